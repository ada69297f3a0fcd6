# SPDX-License-Identifier: GPL-3.0-or-later
"""The field Authentication-Results (RFC 8601 section 2.2), read to its end.

Mailman's library for it, authres, gives a whole field up for one value that the grammar
does not have.  Mail servers write such values: an IPv6 address without quotes, an
address in angle brackets, nothing at all, a property type that is not registered, a
semicolon at the end.  Here such a value spoils its own result at most.

What is written into a field may be a stranger's choice, an envelope sender above all.
So a quotation mark hides semicolons and brackets wherever it stands, in comments too,
where the grammar does not say so: servers copy addresses into them as they came.  A
quotation or comment that does not end leaves open where the results after it begin.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_QUOTED = r'"(?:[^"\\]|\\.)*+"'
# Each begins with another character, and takes all that it can: linear.
_TOKEN = re.compile(rf'(?P<space>\s+)|{_QUOTED}|[;=()"\\]|[^\s;=()"\\]+', re.DOTALL)
_ALL_QUOTED = re.compile(_QUOTED, re.DOTALL)
_QUOTED_PAIR = re.compile(r'\\(.)', re.DOTALL)
_AROUND_DOT = re.compile(r'\s*\.\s*')
_METHOD = re.compile(r'([a-z0-9_-]+)(?:\s*/\s*[0-9]+)?', re.IGNORECASE)


@dataclass(frozen=True)
class Result:
    """What one check found.

    :ivar method: Such as ``dkim``, in lower case.
    :ivar value: Such as ``pass``, in lower case; any word.
    :ivar properties: Pairs of a name in lower case, such as ``header.d``, and a value
        as it was written, without the quotation marks around all of it.
    """

    method: str
    value: str
    properties: tuple[tuple[str, str], ...] = ()

    def values(self, *names: str) -> Iterator[str]:
        """The values of some properties."""
        return (value for name, value in self.properties if name in names)


@dataclass(frozen=True)
class Field:
    """What a field says.

    :ivar server: The authserv-id, in lower case; empty where there is none.
    :ivar results: What could be read.
    :ivar is_whole: Whether every quotation and comment ends; else nobody can tell what
        of the text is the server's own.
    """

    server: str
    results: tuple[Result, ...]
    is_whole: bool = True


def parse(text: str) -> Field:
    """Read the value of a field, folded or not.

    :return: What it says.  Never raises.
    """
    pieces = [_Piece()]
    is_whole = _take_apart(text, pieces)
    results = tuple(result for piece in pieces[1:] if (result := _result(piece)))
    return Field(_server(pieces[0]), results, is_whole)


class _Piece:
    """What stands between two semicolons: words, and spaces and `=` between them."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def add(self, part: str) -> None:
        """Add a part of a word, `=`, or a space for any blank and comment."""
        if part != ' ' or (self.parts and self.parts[-1] != ' '):
            self.parts.append(part)


def _take_apart(text: str, pieces: list[_Piece]) -> bool:
    """Fill the pieces; whether the text ends where it should."""
    depth = 0
    index = 0
    while match := _TOKEN.match(text, index):
        token = match[0]
        index = match.end()
        if token == '"':
            # What begins here does not end.
            return False
        if token == '(':
            depth += 1
        elif token == ')':
            # One too many is text of nobody's.
            depth = max(0, depth - 1)
        elif depth:
            # A quoted pair of a comment.
            index += token == '\\'
            continue
        elif token == ';':
            pieces.append(_Piece())
            continue
        is_space = match['space'] is not None or token in '()'
        pieces[-1].add(' ' if is_space else token)
    return depth == 0


def _server(piece: _Piece) -> str:
    """The authserv-id; a version may stand behind it."""
    words = ''.join(piece.parts).split()
    if not words or '=' in words[0] or (len(words) > 1 and not words[1].isdigit()):
        return ''
    return _unquoted(words[0]).lower()


def _result(piece: _Piece) -> Result | None:
    pairs = _pairs(piece)
    if not pairs:
        return None
    method, value = pairs[0]
    match = _METHOD.fullmatch(method)
    if match is None or not value:
        return None
    # A reason is no property (section 2.2, reasonspec), nor is a word without a type.
    properties = ((_last_word(name), value) for name, value in pairs[1:])
    return Result(
        match[1].lower(),
        value.lower(),
        tuple((name, value) for name, value in properties if '.' in name),
    )


def _pairs(piece: _Piece) -> list[tuple[str, str]]:
    """What stands before each `=` of its own, and the value behind it."""
    found: list[tuple[str, str]] = []
    before: list[str] = []
    parts = piece.parts
    index = 0
    while index < len(parts):
        if parts[index] != '=':
            before.append(parts[index])
            index += 1
            continue
        value, index = _value(parts, index + 1)
        found.append((''.join(before).strip(), value))
        before = []
    return found


def _last_word(text: str) -> str:
    """The name of a property: blanks may stand around its dot."""
    return _AROUND_DOT.sub('.', text).rpartition(' ')[2].lower()


def _value(parts: list[str], index: int) -> tuple[str, int]:
    """The value that begins at an index, and the index behind it."""
    if index < len(parts) and parts[index] == ' ':
        # Blanks may stand before a value; but where a name follows, there is none.
        if index + 2 < len(parts) and parts[index + 2] == '=':
            return '', index
        index += 1
    begin = index
    while index < len(parts) and parts[index] != ' ':
        index += 1
    return _unquoted(''.join(parts[begin:index])), index


def _unquoted(value: str) -> str:
    if _ALL_QUOTED.fullmatch(value):
        return _QUOTED_PAIR.sub(r'\1', value[1:-1])
    return value
