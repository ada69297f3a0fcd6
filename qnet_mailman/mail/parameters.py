# SPDX-License-Identifier: GPL-3.0-or-later
"""Values with parameters (RFC 2045 section 5.1, RFC 2231): taken apart and written.

The reader of the standard library raises on some malformed continuations and
keeps comments; this one does neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, unquote_to_bytes

from qnet_mailman.mail.addresses import comment_end
from qnet_mailman.mail.text import clean, decode_bytes, decode_words, to_bytes

TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,127}")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_RUN = re.compile(r'[^"(;]+')
_QUOTED_PAIR = re.compile(r'\\(.)', re.DOTALL)
_NAME = re.compile(r'([^*\s]{1,60})(?:\*([0-9]{1,4}))?(\*)?')
# Lines are folded between parameters, and a reader might keep a fold at a space
# within a value: a quoted value with spaces must fit on a line.
_LONGEST_WITH_SPACES = 50
_LONGEST = 500


def _pieces(text: str) -> Iterator[str]:
    """The text between semicolons, without comments."""
    piece: list[str] = []
    quotes = True
    index = 0
    while index < len(text):
        character = text[index]
        if character == ';':
            yield ''.join(piece).strip()
            piece = []
            index += 1
        elif character == '"' and quotes and (match := _QUOTED.match(text, index)):
            piece.append(match[0])
            index = match.end()
        elif character == '(':
            index = comment_end(text, index)
        elif match := _RUN.match(text, index):
            piece.append(match[0])
            index = match.end()
        else:
            quotes = False
            index += 1
    yield ''.join(piece).strip()


def _unquote(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == '"':
        return _QUOTED_PAIR.sub(r'\1', value[1:-1])
    return value


def parse(text: str) -> tuple[str, dict[str, str]]:
    """Take a structured value apart.

    :param text: An unfolded value such as that of Content-Type.
    :return: What stands before the first semicolon, and the decoded parameters by
        name in lower case.  Of several parameters with a name the first counts.
    """
    pieces = _pieces(text)
    value = next(pieces)
    parameters: dict[str, str] = {}
    segments: dict[str, dict[int, tuple[str, bool]]] = {}
    for piece in pieces:
        name, equals, content = piece.partition('=')
        match = _NAME.fullmatch(name.strip().lower())
        if not equals or match is None:
            continue
        content = _unquote(content.strip())
        if match[2] is None and match[3] is None:
            parameters.setdefault(match[1], clean(decode_words(content)))
        else:
            number = int(match[2] or 0)
            rows = segments.setdefault(match[1], {})
            rows.setdefault(number, (content, match[3] is not None))
    for name, rows in segments.items():
        parameters[name] = _joined(rows)
    return value, parameters


def _joined(rows: dict[int, tuple[str, bool]]) -> str:
    """The value of a parameter in RFC 2231 segments."""
    charset: str | None = None
    raw = b''
    for position, number in enumerate(sorted(rows)):
        content, encoded = rows[number]
        if encoded and position == 0 and content.count("'") >= 2:
            charset, _, content = content.split("'", 2)
        raw += unquote_to_bytes(to_bytes(content)) if encoded else to_bytes(content)
    return clean(decode_words(decode_bytes(raw, charset)))


def _parameter(name: str, value: str) -> str:
    if TOKEN.fullmatch(value) and not set(value) & set("*'%"):
        return f'{name}={value}'
    longest = _LONGEST_WITH_SPACES if ' ' in value else _LONGEST
    if value.isascii() and '=?' not in value and len(value) <= longest:
        escaped = value.replace('\\', r'\\').replace('"', r'\"')
        return f'{name}="{escaped}"'
    return f"{name}*=utf-8''{quote(value, safe='', errors='replace')}"


def write(value: str, parameters: dict[str, str]) -> str:
    """Write a structured value: ASCII only, a line for each parameter."""
    return ';\n '.join([value, *(_parameter(*item) for item in parameters.items())])
