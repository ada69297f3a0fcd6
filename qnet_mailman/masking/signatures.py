# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures, which name the signer and no longer verify: taken off (R9)."""

from __future__ import annotations

import re

from qnet_mailman.masking.identity import CannotMask

_BEGIN = '-----BEGIN PGP SIGNED MESSAGE-----'
_SIGNATURE = '-----BEGIN PGP SIGNATURE-----'
_END = '-----END PGP SIGNATURE-----'
# Not str.splitlines(), which also ends lines at a byte 0x85 of another charset.
_LINE = re.compile(r'[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+')
_ARMOR_HEADER = re.compile(r'[A-Za-z]+: ')
_KEY = b'-----BEGIN PGP PUBLIC KEY BLOCK-----'


def unsign_clear_text(text: str) -> str:
    """Take PGP clear signatures off a text (RFC 9580 section 7).

    :param text: A text, possibly with signed parts in it.
    :return: The text with the armor and the signatures removed and the dash
        escaping undone; the same text where no signature is complete.
    """
    if _BEGIN not in text or _END not in text:
        return text
    kept: list[str] = []
    lines = _LINE.findall(text)
    index = 0
    while index < len(lines):
        if lines[index].rstrip() == _BEGIN:
            span = _signed_span(lines, index)
            if span is not None:
                start, signature, end = span
                kept += [line.removeprefix('- ') for line in lines[start:signature]]
                index = end
                continue
        kept.append(lines[index])
        index += 1
    return ''.join(kept)


def _signed_span(lines: list[str], begin: int) -> tuple[int, int, int] | None:
    """Where a signed text starts, where its signature does, and what follows it."""
    start = begin + 1
    while start < len(lines) and _ARMOR_HEADER.match(lines[start]):
        start += 1
    if start < len(lines) and not lines[start].strip():
        start += 1
    signature: int | None = None
    for index in range(start, len(lines)):
        line = lines[index].rstrip()
        if line == _BEGIN:
            return None
        if line == _SIGNATURE and signature is None:
            signature = index
        if line == _END:
            return None if signature is None else (start, signature, index + 1)
    return None


def is_armored_signature(data: bytes) -> bool:
    """Whether an attached file is a PGP signature."""
    return data.lstrip().startswith(_SIGNATURE.encode())


def is_armored_key(data: bytes) -> bool:
    """Whether an attached file is a public key of PGP."""
    return data.lstrip().startswith(_KEY)


def signed_content(data: bytes) -> bytes | None:
    """The content of an opaque S/MIME signature (RFC 8551 section 3.5.2).

    :param data: The CMS structure (RFC 5652), in DER or BER.
    :return: The signed MIME entity, or None where there is only a signature or
        certificates.
    :raises CannotMask: Where it is encrypted, compressed or not readable.
    """
    from asn1crypto import cms

    try:
        info = cms.ContentInfo.load(data)
        kind = info['content_type'].native
        if kind == 'signed_data':
            content = info['content']['encap_content_info']['content']
            raw = bytes(content) if content.native is not None else b''
            return raw or None
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
        kind = None
    if kind in {'enveloped_data', 'encrypted_data', 'authenticated_enveloped_data'}:
        raise CannotMask('it is encrypted (S/MIME)')
    raise CannotMask('it has an S/MIME part that cannot be read')
