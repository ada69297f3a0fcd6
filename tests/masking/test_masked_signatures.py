# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures are taken off, and what was signed is kept and masked (R9)."""

from __future__ import annotations

import base64
import binascii
import datetime
import email
import functools

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from qnet_mailman.masking import CannotMask
from qnet_mailman.masking.signatures import unsign_clear_text
from tests.masking.tools import leaves, masked, parsed, part, traces

FROM = 'From: Pat Example <pat@agency.example.gov>'
ENTITY = (
    b'Content-Type: multipart/mixed; boundary=b; protected-headers=v1\r\n'
    b'From: Pat Example <pat@agency.example.gov>\r\n\r\n'
    b'--b\r\nX-Me: Pat Example\r\n\r\nSigned by Pat Example\r\n--b\r\n'
    b'Content-Type: image/png; name=Pat_Example.png\r\n\r\nx\r\n--b--\r\n'
)


@functools.cache
def signer(rsa_key: bool = False):
    key = (
        rsa.generate_private_key(65537, 2048)
        if rsa_key
        else ec.generate_private_key(ec.SECP256R1())
    )
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, 'Pat Example'),
            x509.NameAttribute(NameOID.EMAIL_ADDRESS, 'pat@agency.example.gov'),
        ]
    )
    start = datetime.datetime(2023, 1, 1)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), 7, start, start + datetime.timedelta(3650)
    )
    return builder.sign(key, hashes.SHA256()), key


def signed(entity: bytes, *options: pkcs7.PKCS7Options, der: bool = True) -> bytes:
    encoding = serialization.Encoding.DER if der else serialization.Encoding.SMIME
    return (
        pkcs7.PKCS7SignatureBuilder()
        .set_data(entity)
        .add_signer(*signer(), hashes.SHA256())
        .sign(encoding, list(options))
    )


def opaque(entity: bytes, kind: str) -> bytes:
    content = base64.encodebytes(signed(entity, pkcs7.PKCS7Options.Binary))
    header = f'{FROM}\nContent-Type: {kind}\nContent-Transfer-Encoding: base64\n\n'
    return header.encode() + content


@pytest.mark.parametrize(
    'kind',
    [
        'application/pkcs7-mime; smime-type=signed-data; name=smime.p7m',
        'application/x-pkcs7-mime',
        'application/octet-stream; name=smime.p7m',
    ],
)
def test_opaque(kind):
    result = masked(opaque(ENTITY, kind))
    assert leaves(result) == [
        ('text/plain', b'Signed by Pat Example'),
        ('image/png', b'x'),
    ]
    assert traces(result) == []
    assert b'agency' not in result.as_bytes()


def test_opaque_in_opaque():
    once = opaque(ENTITY, 'application/pkcs7-mime')
    result = masked(opaque(once, 'application/pkcs7-mime'))
    assert leaves(result)[0] == ('text/plain', b'Signed by Pat Example')


def test_detached_smime():
    data = signed(ENTITY, pkcs7.PKCS7Options.DetachedSignature, der=False)
    result = masked(FROM.encode() + b'\n' + data)
    assert leaves(result) == [
        ('text/plain', b'Signed by Pat Example'),
        ('image/png', b'x'),
    ]
    assert traces(result) == []


def test_signature_without_content():
    data = signed(b'x', pkcs7.PKCS7Options.DetachedSignature)
    result = part(
        'Content-Type: application/pkcs7-mime',
        'Content-Transfer-Encoding: base64',
        body=base64.encodebytes(data),
    )
    assert result is None


def test_encrypted_smime():
    data = (
        pkcs7.PKCS7EnvelopeBuilder()
        .set_data(b'x')
        .add_recipient(signer(rsa_key=True)[0])
        .encrypt(serialization.Encoding.DER, [])
    )
    with pytest.raises(CannotMask, match='encrypted'):
        part(
            'Content-Type: application/pkcs7-mime; smime-type=signed-data',
            'Content-Transfer-Encoding: base64',
            body=base64.encodebytes(data),
        )


@pytest.mark.parametrize(
    'line',
    [
        'Content-Type: application/pgp-signature',
        'Content-Type: application/x-pkcs7-signature',
        'Content-Type: application/octet-stream; name=smime.p7s',
        'Content-Type: application/octet-stream; name=signature.asc',
    ],
)
def test_signature_anywhere(line):
    assert part(line, body=b'-----BEGIN PGP SIGNATURE-----\n') is None


def test_armored_file_that_is_no_signature():
    assert part('Content-Type: text/plain; name=notes.asc', body=b'x') is not None


def test_signed_with_a_footer_from_another_list():
    sections = [b'signed', b'sig', b'footer']
    kinds = [b'text/plain', b'application/pgp-signature', b'text/plain']
    body = b''.join(
        b'--b\nContent-Type: %b\n\n%b\n' % pair
        for pair in zip(kinds, sections, strict=True)
    )
    result = masked(
        parsed(
            FROM, 'Content-Type: multipart/signed; boundary=b', body=body + b'--b--\n'
        )
    )
    assert result.get_content_type() == 'multipart/mixed'
    assert [c for _, c in leaves(result)] == [b'signed', b'footer']


CLEAR = (
    'before\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\nCharset: utf-8\n\n'
    '- -----dashes\n- - item\nHash: text\n\nPat Example \u00e9\n'
    '-----BEGIN PGP SIGNATURE-----\nComment: pat@agency.example.gov\n\nAAAA\n'
    '-----END PGP SIGNATURE-----\nafter\n'
)
PLAIN = 'before\n-----dashes\n- item\nHash: text\n\nPat Example \u00e9\nafter\n'


@pytest.mark.parametrize('end', ['\n', '\r\n'])
@pytest.mark.parametrize('charset', ['utf-8', 'iso-8859-1', 'utf-16'])
@pytest.mark.parametrize('encoding', ['8bit', 'base64', 'quoted-printable'])
def test_clear_signature(charset, encoding, end):

    if charset == 'utf-16' and encoding == '8bit':
        pytest.skip('not text of lines')
    raw = CLEAR.replace('\n', end).encode(charset)
    coded = {
        'base64': base64.encodebytes(raw),
        'quoted-printable': binascii.b2a_qp(raw, istext=False),
        '8bit': raw,
    }[encoding]
    result = masked(
        parsed(
            FROM,
            f'Content-Type: text/plain; charset={charset}; x-action=pgp-signed',
            f'Content-Transfer-Encoding: {encoding}',
            body=coded,
        )
    )
    text = result.get_payload(decode=True).decode(charset)
    assert text.replace('\r\n', '\n') == PLAIN
    assert result['Content-Transfer-Encoding'] == encoding


@pytest.mark.parametrize(
    'text',
    [
        '',
        'no signature',
        '-----BEGIN PGP SIGNED MESSAGE-----\n\n- text\n',
        '-----BEGIN PGP SIGNED MESSAGE-----\n\n- text\n-----END PGP SIGNATURE-----\n',
        '> -----BEGIN PGP SIGNED MESSAGE-----\n\n- a\n-----END PGP SIGNATURE-----\n',
        '-----BEGIN PGP SIGNED MESSAGE-----\n' * 20000,
    ],
)
def test_no_complete_signature(text):
    assert unsign_clear_text(text) == text


def test_two_clear_signatures():
    assert unsign_clear_text(CLEAR * 2) == PLAIN * 2


def test_stream_of_unknown_length():
    # What "openssl smime -sign -nodetach -stream" writes: BER with pieces.
    def ber(tag: int, *content: bytes) -> bytes:
        return bytes([tag, 0x80]) + b''.join(content) + b'\0\0'

    def der(tag: int, content: bytes) -> bytes:
        return bytes([tag, len(content)]) + content

    data_type = bytes.fromhex('06092a864886f70d010701')
    signed_type = bytes.fromhex('06092a864886f70d010702')
    pieces = [der(4, b'Content-Type: text/html\n\n'), der(4, b'<p>Hi'), der(4, b'</p>')]
    content = ber(0x30, data_type, ber(0xA0, ber(0x24, *pieces)))
    body = ber(0x30, der(2, b'\1'), der(0x31, b''), content, der(0x31, b''))
    data = ber(0x30, signed_type, ber(0xA0, body))
    message = email.message_from_bytes(
        f'{FROM}\nContent-Type: application/pkcs7-mime\nContent-Transfer-Encoding: '
        'base64\n\n'.encode()
        + base64.encodebytes(data)
    )
    assert leaves(masked(message)) == [('text/html', b'<p>Hi</p>')]
