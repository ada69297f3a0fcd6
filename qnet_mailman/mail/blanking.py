# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of a known form, found and blanked out in a text whatever it is written in.

What people quote reads otherwise than it was sent: lines are broken (with ``> `` before
the next, RFC 3676; folded, as in calendars, RFC 5545 section 3.1; with ``=`` before the
end, RFC 2045 section 6.7), characters are percent-encoded inside of other links, or
written as entities of HTML, and tags stand in the middle of a word.  So a text is
looked at in several readings, each of which takes off more, and what is found is
blanked out where it stands: character for character, so that everything around stays
in its place.

Each reading takes time linear in the length of the text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

BLANK = 'x'

Form = re.Pattern[str]
"""Finds words of a form: from the beginning of its first group to the end of its last
one.  What stands before a word may seem a part of it (``%2F``), so a form must look for
its words wherever they may begin."""

_ESCAPE = (
    '%(?P<percent>[0-9A-Fa-f]{2})'
    # Of quoted-printable what stands before words; other such pairs may be in them.
    '|=(?P<quoted>2B|2F|3A|3D)'
    '|&#(?P<decimal>[0-9]{1,7});'
    '|&#[xX](?P<hexadecimal>[0-9A-Fa-f]{1,6});'
)
# What stands before the rest of a line: blanks, and marks of a quotation.
_MARKS = r'[ \t>|\xa0\xc2]*(?:&(?:gt|nbsp);[ \t>|\xa0\xc2]*)*'
_BREAK = rf'=[ \t]*\r?\n{_MARKS}|\n{_MARKS}|\r\n?{_MARKS}'
_TAG = (
    rf'<[^<>]{{0,2000}}>{_MARKS}|&(?:shy|zwnj|zwj|ZeroWidthSpace|NoBreak);'
    # Characters without width, and the same in UTF-8, read byte by byte.
    '|\u00ad|\u200b|\u200c|\u200d|\u2060|\ufeff'
    '|\xc2\xad|\xe2\x80[\x8b-\x8d]|\xe2\x81\xa0|\xef\xbb\xbf'
)
# Each of the alternatives begins with a character, which lets `re` run to the next one.
_READINGS = tuple(
    re.compile('|'.join(some))
    for some in ((_ESCAPE,), (_ESCAPE, _BREAK), (_ESCAPE, _BREAK, _TAG))
)

_RUNS = bytes(
    ord('a')
    if chr(each).isascii() and (chr(each).isalnum() or chr(each) in '-_')
    else 0
    for each in range(256)
)


class _Stretch(NamedTuple):
    """A stretch of a reading, and of what it is the reading.

    :ivar at: Where it begins in the reading.
    :ivar size: Its length there.
    :ivar first: Where it begins in the text.
    :ivar last: Where it ends there.
    """

    at: int
    size: int
    first: int
    last: int


def words(text: str, forms: Sequence[Form], shortest: int) -> Iterator[str]:
    """The words of some forms, in any reading of a text; some more than once.

    :param shortest: Letters, digits, ``-`` and ``_`` that each form has in a row.
    """
    for reading in _READINGS:
        read = ''.join(piece for piece, _, _ in _pieces(text, reading))
        if not has_run(read, shortest):
            continue
        for start, end in _found(read, forms):
            yield read[start:end]


def has_run(text: str, length: int) -> bool:
    """Whether so many letters, digits, ``-`` and ``_`` stand in a row in a text."""
    plain = text.encode('ascii', 'replace').translate(_RUNS)
    return b'a' * length in plain


def blanked(text: str, forms: Sequence[Form], is_meant: Callable[[str], bool]) -> str:
    """A text with words blanked out.

    :param is_meant: Whether a word, as `words` gives it, is to go.
    :return: A text of the same length; the same text where there is no such word.
    """
    for reading in _READINGS:
        read, stretches = _read(text, reading)
        spans = [
            (start, end)
            for start, end in _found(read, forms)
            if is_meant(read[start:end])
        ]
        if spans:
            text = _without(text, stretches, sorted(spans))
    return text


def _found(read: str, forms: Sequence[Form]) -> Iterator[tuple[int, int]]:
    for form in forms:
        for match in form.finditer(read):
            yield match.start(1), match.end(form.groups)


def _read(text: str, reading: re.Pattern[str]) -> tuple[str, list[_Stretch]]:
    """A text as one reads it, and what it consists of."""
    pieces: list[str] = []
    stretches: list[_Stretch] = []
    at = 0
    for piece, first, last in _pieces(text, reading):
        if piece:
            pieces.append(piece)
            stretches.append(_Stretch(at, len(piece), first, last))
            at += len(piece)
    return ''.join(pieces), stretches


def _pieces(text: str, reading: re.Pattern[str]) -> Iterator[tuple[str, int, int]]:
    """What one reads, and where that begins and ends in the text."""
    end = 0
    for match in reading.finditer(text):
        start, stop = match.span()
        piece = text[end:start]
        if match.lastgroup is not None:
            yield piece, end, start
            yield _character(match), start, stop
        else:
            if text[start] in '=\r\n':
                # Blanks before the end of a line (RFC 3676) belong to it.
                piece = piece.rstrip(' \t')
            if piece:
                yield piece, end, end + len(piece)
        end = stop
    yield text[end:], end, len(text)


def _character(match: re.Match[str]) -> str:
    """What an escape stands for; nothing for what no reader sees."""
    assert match.lastgroup is not None
    code = int(match[match.lastgroup], 10 if match.lastgroup == 'decimal' else 16)
    if code in (0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF):
        return ''
    # Whatever else it is, it is in no word.
    return chr(code) if code < 0x80 else '\0'


def _without(
    text: str, stretches: Sequence[_Stretch], spans: Sequence[tuple[int, int]]
) -> str:
    """Blank out what spans of a reading, in order, were read from."""
    begins = [stretch.at for stretch in stretches]
    pieces: list[str] = []
    done = 0
    for start, end in spans:
        index = bisect_right(begins, start) - 1
        while index < len(stretches) and stretches[index].at < end:
            at, size, first, last = stretches[index]
            if size == last - first:
                first, last = first + max(0, start - at), first + min(size, end - at)
            first = max(first, done)
            if first < last:
                pieces += [text[done:first], BLANK * (last - first)]
                done = last
            index += 1
    pieces.append(text[done:])
    return ''.join(pieces)
