# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and certificates: the sender's are dropped, other people's are kept (R9).

They are not taken apart, as there are many formats: the user IDs of a PGP key (RFC
9580 section 5.11) and the names in a certificate (RFC 5280) are texts that stand in it
whole.
"""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING

from qnet_mailman.mail.body import Body
from qnet_mailman.mail.text import decode_bytes
from qnet_mailman.masking import keep
from qnet_mailman.masking.media import Media
from qnet_mailman.masking.secrets import Secrets
from qnet_mailman.masking.signatures import is_armored_key, is_armored_signature

if TYPE_CHECKING:
    from asn1crypto import cms

LARGEST = 1_000_000
"""Bytes; no key or bundle of certificates of a person's is larger."""

_ARMOR = re.compile(
    rb'-----BEGIN [A-Z0-9 ]{1,60}-----[ \t]*\r?\n(.*?)-----END ', re.DOTALL
)
_ARMOR_LINE = re.compile(rb'[A-Za-z0-9+/]+={0,2}')
# Long enough for a name, and for the shortest address.
_TEXT = re.compile(rb'[\x20-\x7e\x80-\xff]{3,}')


def is_signature(media: Media, body: Body, secrets: Secrets) -> bool:
    """Whether a part is a signature that is, or may be, the sender's.

    A PGP signature has the number of a key and no name; one in S/MIME has the
    certificates of whoever made it.
    """
    name = media.filename.lower()
    if media.kind == 'application/pgp-signature':
        return True
    if media.is_any(keep.SIGNATURES, keep.SIGNATURE_SUFFIXES):
        if name in {'', keep.OWN_SIGNATURE}:
            return True
        data = body.decode()
        return not _certificates(data) or names_sender(data, secrets)
    return name.endswith(('.asc', '.sig')) and (
        len(body.payload) < LARGEST and is_armored_signature(body.decode())
    )


def is_own_key(media: Media, body: Body, secrets: Secrets) -> bool:
    """Whether a part is a key or a certificate that may be the sender's."""
    is_one = media.is_any(keep.CERTIFICATES, keep.CERTIFICATE_SUFFIXES) or (
        media.filename.lower().endswith('.asc')
        and len(body.payload) < LARGEST
        and is_armored_key(body.decode())
    )
    return is_one and names_sender(body.decode(), secrets)


def names_sender(data: bytes, secrets: Secrets) -> bool:
    """Whether a key, a certificate or several of them may be the sender's.

    :param data: The decoded content of a part: in binary, or armored.
    """
    if len(data) > LARGEST:
        # Nobody has looked.
        return True
    found = [data, *map(_bare, _ARMOR.findall(data))]
    # Some certificates have two bytes for each character.
    found += [each.replace(b'\0', b'') for each in found]
    return any(
        secrets.names_sender(' \n '.join(map(decode_bytes, _TEXT.findall(each))))
        for each in dict.fromkeys(found)
    )


def _bare(armored: bytes) -> bytes:
    """What is armored (RFC 9580 section 6.2, RFC 7468), without header and checksum."""
    lines = [line.strip() for line in armored.splitlines()]
    text = b''.join(line for line in lines if _ARMOR_LINE.fullmatch(line))
    text = text.rstrip(b'=')
    if len(text) % 4 == 1:
        text = text[:-1]
    try:
        return binascii.a2b_base64(text + b'=' * (-len(text) % 4))
    except binascii.Error:
        return b''


def has_certificates_alone(data: bytes) -> bool:
    """Whether a CMS structure has certificates and no signature (RFC 8551 section 3.8).

    :param data: In DER or BER.
    """
    content = _signed_data(data)
    return (
        content is not None
        and len(content['signer_infos']) == 0
        and len(content['certificates']) > 0
    )


def _certificates(data: bytes) -> int:
    content = _signed_data(data)
    return 0 if content is None else len(content['certificates'])


def _signed_data(data: bytes) -> cms.SignedData | None:
    """A CMS structure for signatures (RFC 5652 section 5); None where it is none."""
    from asn1crypto import cms

    try:
        info = cms.ContentInfo.load(data)
        if info['content_type'].native != 'signed_data':
            return None
        content = info['content']
        # What is wrong in it shows here, or nowhere.
        len(content['signer_infos']), len(content['certificates'])
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
        return None
    return content
