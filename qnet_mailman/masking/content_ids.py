# SPDX-License-Identifier: GPL-3.0-or-later
"""New names for the parts of a masked message, and for what refers to them (R8).

A Content-ID (RFC 2392) has the sender's domain or machine on its right, and a
Content-Location (RFC 2557) is often a place on it.  So every part that has one or the
other gets a new Content-ID, and whatever names the old one names the new.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from urllib.parse import unquote

from qnet_mailman.mail.text import clean

PAGES = frozenset(
    {
        'text/html',
        'application/xhtml+xml',
        'image/svg+xml',
        'text/css',
    }
)
"""Types of parts that refer to others."""

_LONGEST = 1000
_WRITTEN = 3 * _LONGEST
"""Characters of what refers to a name, which may be percent-encoded."""
_RUN = re.compile(rf'(?<![A-Za-z0-9])(cid:)([^\s"<>]{{1,{_WRITTEN}}})', re.I)
# What may follow an identifier that is not a part of it.
_BEHIND = re.compile(r'[^A-Za-z0-9.!$*+=@_~%-]')
_MOST_ENDS = 20
_VALUE = '|'.join(
    f'{quote}([^{quote}<>]{{1,{_WRITTEN}}}){quote}' for quote in ('"', "'")
)
_BARE_VALUE = rf'([^\s"\'<>()]{{1,{_WRITTEN}}})'
_PLACE = re.compile(
    rf'(\b(?:src|background|poster)\s{{0,20}}=\s{{0,20}}|\burl\(\s{{0,20}})(?:{_VALUE}|{_BARE_VALUE})',
    re.I,
)


class ContentIds:
    """The parts of one message that can be referred to.

    :param new: Makes an identifier that no part has.
    """

    def __init__(self, new: Callable[[], str]) -> None:
        self._new = new
        self._by_id: dict[str, str] = {}
        self._by_place: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._by_id or self._by_place)

    def of(self, content_id: str, location: str) -> str | None:
        """A part's new identifier, without brackets; None where it had no name.

        :param content_id: The unfolded Content-ID, or ''.
        :param location: The unfolded Content-Location, or ''.
        """
        old = _bare(content_id)
        place = ''.join(location.split())
        if not old and not place:
            return None
        new = self._by_id.get(old.lower()) if old else None
        new = new or self._new()
        if old and len(old) <= _LONGEST:
            self._by_id.setdefault(old.lower(), new)
        if place and len(place) <= _LONGEST:
            self._by_place.setdefault(place, new)
        return new

    def start(self, old: str) -> str | None:
        """The new identifier for the parameter ``start`` (RFC 2387 section 3.2)."""
        new = self._by_id.get(_bare(old).lower())
        return None if new is None else f'<{new}>'

    def follow(self, text: str) -> str:
        """A page with its references to parts made new; others stay."""
        if self._by_id:
            text = _RUN.sub(self._reference, text)
        if self._by_place:
            text = _PLACE.sub(self._place, text)
        return text

    def _reference(self, match: re.Match[str]) -> str:
        run = match[2]
        ends = [len(run), *(m.start() for m in _BEHIND.finditer(run))]
        # The longest first: an identifier may have such characters itself.
        for end in sorted(set(ends[: _MOST_ENDS + 1]), reverse=True):
            for spelling in _spellings(run[:end]):
                if new := self._by_id.get(spelling.lower()):
                    return f'{match[1]}{new}{run[end:]}'
        return match[0]

    def _place(self, match: re.Match[str]) -> str:
        value = match[2] or match[3] or match[4]
        quote = '"' if match[2] else "'" if match[3] else ''
        for spelling in _spellings(value):
            if new := self._by_place.get(''.join(spelling.split())):
                return f'{match[1]}{quote}cid:{new}{quote}'
        return match[0]


def _bare(content_id: str) -> str:
    return clean(content_id).strip().removeprefix('<').removesuffix('>').strip()


def _spellings(text: str) -> dict[str, None]:
    """What a reference may mean: it may be written for HTML, and for a URL."""
    unescaped = html.unescape(text)
    return dict.fromkeys((text, unescaped, unquote(text), unquote(unescaped)))
