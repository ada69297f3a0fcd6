# SPDX-License-Identifier: GPL-3.0-or-later
"""A message from the bytes that somebody sent: whatever they are, there is one.

Python's parser mends what is broken in MIME (RFC 2045), and says so; but a thousand
messages inside one another exhaust it, and far fewer what would write such a message
into a queue.  Below a depth, a part is not taken apart: its text is its payload.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from email.feedparser import FeedParser
from email.message import Message
from itertools import islice
from typing import Any

MAX_DEPTH = 50
"""Parts inside one another that are taken apart, as in :mod:`..masking.parts`."""


MAX_PARTS = 2000
"""Parts of a post; a person's has a few, and each costs several stages a little."""


def has_too_many_parts(msg: Message) -> bool:
    """Whether a message has more than :data:`MAX_PARTS` parts."""
    return any(True for _part in islice(msg.walk(), MAX_PARTS, None))


class _Parser(FeedParser):
    """Python's, with an end to the depth."""

    is_too_deep = False
    _depth = 0

    # The parser's own loop, which it enters anew for each part.  It asks
    # `_headersonly` once, between the header of a part and what is in that.
    def _parsegen(self) -> Iterator[Any]:
        self._depth += 1
        self._headersonly = self._depth > MAX_DEPTH
        self.is_too_deep = self.is_too_deep or self._headersonly
        try:
            yield from super()._parsegen()  # type: ignore[misc]
        finally:
            self._depth -= 1


def parse(data: bytes, factory: Callable[[], Message]) -> tuple[Any, bool]:
    """Parse a message.

    :param factory: Its class.
    :return: The message, and whether some of it was too deep to be taken apart.
    """
    parser = _Parser(factory)
    parser.feed(data.decode('ascii', 'surrogateescape'))
    return parser.close(), parser.is_too_deep
