# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and certificates of others stay; what is the sender's goes (R9)."""

from __future__ import annotations

import base64
import datetime
import functools

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from qnet_mailman.masking import CannotMask
from tests.masking.tools import part

OWN = ('Pat Example', 'pat@agency.example.gov')
OTHER = ('Kim Other', 'kim@other.example')
DER = serialization.Encoding.DER
PEM = serialization.Encoding.PEM


@functools.cache
def signer(who: tuple[str, str]) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, who[0]),
            x509.NameAttribute(NameOID.EMAIL_ADDRESS, who[1]),
        ]
    )
    start = datetime.datetime(2023, 1, 1)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), 7, start, start + datetime.timedelta(3650)
    )
    return builder.sign(key, hashes.SHA256()), key


def signature(who: tuple[str, str]) -> bytes:
    options = [pkcs7.PKCS7Options.DetachedSignature]
    builder = pkcs7.PKCS7SignatureBuilder().set_data(b'A contract.')
    return builder.add_signer(*signer(who), hashes.SHA256()).sign(DER, options)


def bundle(who: tuple[str, str]) -> bytes:
    return pkcs7.serialize_certificates([signer(who)[0]], DER)


def certificate(who: tuple[str, str]) -> bytes:
    return signer(who)[0].public_bytes(DER)


def armored_certificate(who: tuple[str, str]) -> bytes:
    return signer(who)[0].public_bytes(PEM)


def key(who: tuple[str, str]) -> bytes:
    """A user ID (RFC 9580 section 5.11) between packets of numbers."""
    name = f'{who[0]} <{who[1]}>'.encode()
    return bytes(range(160, 256)) + b'\xcd' + bytes([len(name)]) + name + bytes(40)


def armored_key(who: tuple[str, str]) -> bytes:
    lines = base64.encodebytes(key(who))
    start = b'-----BEGIN PGP PUBLIC KEY BLOCK-----\nComment: a key\n\n'
    return start + lines + b'=njUN\n-----END PGP PUBLIC KEY BLOCK-----\n'


@pytest.mark.parametrize(
    ('kind', 'make'),
    [
        ('application/pgp-keys; name=key.asc', armored_key),
        ('application/pgp-keys', key),
        ('application/octet-stream; name=key.asc', armored_key),
        ('application/pkcs7-mime; smime-type=certs-only; name=team.p7c', bundle),
        ('application/octet-stream; name=team.p7c', bundle),
        ('application/x-pkcs7-certificates; name=team.p7b', bundle),
        ('application/pkix-cert; name=root.cer', certificate),
        ('application/x-pem-file; name=root.pem', armored_certificate),
        ('application/pkcs7-signature; name=contract.pdf.p7s', signature),
    ],
)
def test_only_the_senders_goes(kind: str, make: object) -> None:
    fields = (f'Content-Type: {kind}', 'Content-Transfer-Encoding: base64')
    for who in (OWN, OTHER):
        data = make(who)  # type: ignore[operator]
        found = part(*fields, body=base64.encodebytes(data))
        if who is OWN:
            assert found is None
        else:
            assert found.get_payload(decode=True) == data
            assert found.get_content_type() == kind.partition(';')[0]
            assert ('certs-only' in kind) == ('certs-only' in found['Content-Type'])


@pytest.mark.parametrize(
    ('kind', 'body'),
    [
        # The signature of the message itself, whatever name is in it.
        ('application/pkcs7-signature; name=smime.p7s', signature(OTHER)),
        ('application/x-pkcs7-signature', signature(OTHER)),
        # Of whom it is cannot be told.
        ('application/octet-stream; name=contract.pdf.p7s', b'no structure'),
        ('application/pgp-signature; name=tool.tar.sig', b'x'),
    ],
)
def test_a_signature_that_may_be_the_senders_goes(kind: str, body: bytes) -> None:
    fields = (f'Content-Type: {kind}', 'Content-Transfer-Encoding: base64')
    assert part(*fields, body=base64.encodebytes(body)) is None


@pytest.mark.parametrize(
    'kind',
    [
        'application/x-microsoft-rpmsg-message',
        'application/x-microsoft-rpmsg-message; name=message_v4.rpmsg',
        'application/octet-stream; name=message.rpmsg',
        'application/octet-stream; name="Message_v2.RPMSG"',
    ],
)
def test_a_protected_message_of_microsofts_is_refused(kind: str) -> None:
    with pytest.raises(CannotMask, match=r'encrypted.*without protection'):
        part(f'Content-Type: {kind}', body=b'x')
