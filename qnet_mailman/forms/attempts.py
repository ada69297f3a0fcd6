# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody tried who sent a mail without a form that can be read: pure.

The words say what to do, and have nothing in them of what was sent: the address that
gets them may be somebody else's.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from qnet_mailman.forms import labels

APPLE_DOUBLE = b'\x00\x05\x16\x07'
"""How the other half of a file begins that macOS sends beside it (RFC 1740)."""
MAX_TEXT = 100_000
"""Bytes of the text of a mail that are looked at."""
LEAST_PICTURE = 100_000
"""Bytes from which on a picture is no logo, and may be a form that was scanned."""
LEAST_FIELDS = 3
"""Fields of a form in the text of a mail from which on it is one typed in there."""

_SAVE = 'open it there and save it as "Excel Workbook (.xlsx)"'
_KINDS = {
    f'Your message has a spreadsheet in a format that we cannot read: {_SAVE}.': (
        *('.xls', '.xlsm', '.xlsb', '.xltx', '.ods', '.fods', '.numbers'),
    ),
    'Your message has a text document. Please fill in the form itself, which is a PDF '
    'or a spreadsheet.': ('.doc', '.docx', '.odt', '.rtf', '.txt', '.pages', '.wps'),
    'Your message has a packed file. Please attach what is in it.': (
        *('.zip', '.7z', '.rar', '.gz'),
    ),
    'Your message has a picture. We cannot read a form that was photographed or '
    'scanned: please fill in the form itself.': (
        *('.jpg', '.jpeg', '.png', '.gif', '.tif', '.tiff', '.heic', '.bmp', '.webp'),
    ),
}
_PICTURES = tuple(_KINDS.values())[-1]
TYPED_IN = (
    'Your message seems to have a form in its text. Please attach the form as a file.'
)
OTHER = 'Your message has a file, which is none of our forms.'

_LABELS = '|'.join(
    re.escape(words.label.removesuffix('?'))
    for words in (*labels.FIELDS.values(), *labels.PEOPLE.values())
)
_FIELD = re.compile(
    r'^\W*(form|ticket|requester|requester name|requester email|approver|'
    r'list|list name|display name|description|type|visibility|mask|replies|'
    r'administrators?|moderators?|subscribers|name|e-?mail|organization|harp id|'
    rf'threshold|window days|role|action|reason|attestations|{_LABELS})'
    r'(?:\s*\(required\))?\s*[:?]',
    re.IGNORECASE | re.MULTILINE,
)


def is_other_half(name: str, content: bytes) -> bool:
    """Whether a file is what macOS sends beside a file, and never one itself."""
    return name.startswith('._') or content.startswith(APPLE_DOUBLE)


def what_was_tried(mail: bytes, files: Sequence[tuple[str, bytes]]) -> str:
    """What to tell who tried to send a form; empty where nobody did.

    :param mail: The mail, in which no file is a form.
    :param files: What is attached to it.
    """
    found = [_of_file(*file) for file in files]
    known = [each for each in found if each not in ('', OTHER)]
    if not known and len(_fields_in(mail)) >= LEAST_FIELDS:
        return TYPED_IN
    return next((each for each in (*known, *found) if each), '')


def _of_file(name: str, content: bytes) -> str:
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in _PICTURES and len(content) < LEAST_PICTURE:
        return ''
    return next((says for says, ends in _KINDS.items() if suffix in ends), OTHER)


def _fields_in(mail: bytes) -> set[str]:
    return {
        match[1].lower()
        for text in _texts(mail)
        for match in _FIELD.finditer(text.replace('_', ' '))
    }


def _texts(mail: bytes) -> Iterator[str]:
    try:
        for part in email.message_from_bytes(mail, policy=email.policy.compat32).walk():
            if part.get_content_maintype() != 'text' or part.get_filename():
                continue
            data = part.get_payload(decode=True)
            if isinstance(data, bytes):
                text = data[:MAX_TEXT].decode('utf-8', 'replace')
                is_html = part.get_content_subtype() == 'html'
                yield re.sub(r'<[^<>]*>', '\n', text) if is_html else text
    except MemoryError:
        raise
    except Exception:
        # The parser raises many things at headers that break its own rules.
        return
