# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows a page at a time, as Mailman's own resources give them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mailman.rest.helpers import etag

MAX_COUNT = 100
"""Rows that one answer has at most."""


@dataclass(frozen=True)
class Page:
    """Which rows are asked for.

    :ivar start: How many are passed over.
    :ivar count: How many there are to be at most.
    """

    start: int
    count: int

    @classmethod
    def asked(cls, request: Any) -> Page:
        """What `count` and `page`, from 1, ask for.

        :raises falcon.HTTPInvalidParam: where they are no such numbers.
        """
        count = count_asked(request)
        page = request.get_param_as_int(
            'page', min_value=1, max_value=2**31 // MAX_COUNT, default=1
        )
        return cls((page - 1) * count, count)

    def answer(self, rows: Sequence[dict[str, Any]], total: int) -> dict[str, Any]:
        """The rows with where they begin and how many there are in all."""
        return {'start': self.start, 'total_size': total, **entries(rows)}


def count_asked(request: Any) -> int:
    """How many rows are asked for.

    :raises falcon.HTTPInvalidParam: where that is no number from 1 to `MAX_COUNT`.
    """
    count: int = request.get_param_as_int(
        'count', min_value=1, max_value=MAX_COUNT, default=MAX_COUNT
    )
    return count


def entries(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Rows as Mailman's own resources give them: without any, `entries` is left out."""
    for row in rows:
        etag(row)
    return {'entries': list(rows)} if rows else {}
