# SPDX-License-Identifier: GPL-3.0-or-later
"""A text whose sentences have no line ends in them.

Texts are laid out by hand, for lines of a terminal.  What is filled in (a list's name,
an address) breaks them anywhere, and a phone breaks them once more.  Each program wraps
a long line where its window ends; the transfer encoding keeps to the limits of mail
(RFC 2045 section 6.7).  So a paragraph is one line.

What is a paragraph, and what is laid out on purpose, is the same as in :mod:`.html`:
indented lines that are no items of a list stay as they are, and so do lines with
columns.
"""

from __future__ import annotations

from qnet_mailman.letter.html import ITEM, indent, is_columns


def unwrapped(text: str) -> str:
    """A text with one line for each paragraph.

    :param text: Plain text, laid out as those of ``templates/en``.
    """
    lines = text.expandtabs().split('\n')
    found: list[str] = []
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            found.append('')
            at += 1
        elif indent(lines[at]):
            end = at
            while end < len(lines) and (indent(lines[end]) or not lines[end].strip()):
                end += 1
            found += _indented(lines[at:end])
            at = end
        else:
            end = at
            while end < len(lines) and lines[end].strip() and not indent(lines[end]):
                end += 1
            found += _paragraph(lines[at:end])
            at = end
    return '\n'.join(found)


def _paragraph(lines: list[str]) -> list[str]:
    if len(lines) > 1 and set(lines[1].strip()) == {'-'}:
        return [*lines[:2], *(_paragraph(lines[2:]) if lines[2:] else [])]
    if any(is_columns(line) for line in lines):
        return lines
    return [' '.join(line.strip() for line in lines)]


def _indented(lines: list[str]) -> list[str]:
    """Indented lines: those of a list's items are joined.

    :param lines: Up to the next line that is not indented, blank ones included.
    """
    least = min(indent(line) for line in lines if line.strip())
    found: list[str] = []
    at = 0
    while at < len(lines):
        match = ITEM.match(lines[at], least)
        end = at + 1
        if match is not None and not _is_apart(lines, at, match.end()):
            while end < len(lines) and _goes_on(lines[end], least, match.end()):
                end += 1
        some = lines[at:end]
        if len(some) > 1 and not any(is_columns(line) for line in some):
            some = [' '.join([some[0].rstrip(), *(line.strip() for line in some[1:])])]
        found += some
        at = end
    return found


def _is_apart(lines: list[str], at: int, width: int) -> bool:
    """Whether the words of an item are an item or a title themselves."""
    return ITEM.match(lines[at], width) is not None or (
        at + 1 < len(lines) and set(lines[at + 1].strip()) == {'-'}
    )


def _goes_on(line: str, least: int, width: int) -> bool:
    """Whether a line goes on with the words of an item.

    :param least: The column in which the item begins.
    :param width: The column in which its words begin.
    """
    words = line.strip()
    return bool(words) and least < indent(line) <= width and ITEM.match(words) is None
