# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of members whose mail bounces: what is asked for, and where links lead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

#: Rows of a page.
PAGE = 50
#: Pages that somebody may ask for: what is beyond is a mistake or an attack.
MOST_PAGES = 10_000
#: The columns that one can sort by, as core names them; the header of each, and
#: whether the first press of it sorts downwards.
COLUMNS = (
    ('address', 'Address', False),
    ('score', 'Score', True),
    ('reason', 'Last bounce', False),
    ('last', 'Last report', True),
    ('delivery', 'Delivery', True),
    ('removal', 'Days until removal', False),
)
SORTS = {key for key, _label, _down in COLUMNS}
KINDS = ('hard', 'soft')
#: The longest address.
MAX_TEXT = 320


@dataclass(frozen=True)
class Asked:
    """Which rows of the table somebody asks for.

    :ivar text: What the address has in it.
    :ivar kind: Of the last bounce; empty for any.
    :ivar page: From 1.
    """

    text: str = ''
    kind: str = ''
    suspended: bool = False
    sort: str = 'address'
    descending: bool = False
    page: int = 1

    @classmethod
    def in_address(cls, fields: Mapping[str, str]) -> Asked:
        """What a page's address asks for; what is not understood is not there.

        :param fields: Behind the question mark.
        """
        kind = fields.get('kind', '')
        sort = fields.get('sort', '')
        page = fields.get('page', '')
        number = int(page) if page.isascii() and page.isdecimal() else 1
        return cls(
            fields.get('text', '').strip()[:MAX_TEXT].replace('\0', ''),
            kind if kind in KINDS else '',
            fields.get('suspended') == 'yes',
            sort if sort in SORTS else 'address',
            fields.get('order') == 'down',
            min(max(number, 1), MOST_PAGES),
        )

    @property
    def filters(self) -> bool:
        """Whether it leaves anybody out."""
        return bool(self.text or self.kind or self.suspended)

    @property
    def narrowed(self) -> dict[str, str]:
        """Who is asked for, in the words that core and our addresses share."""
        found = {'text': self.text, 'kind': self.kind}
        if self.suspended:
            found['suspended'] = 'yes'
        return {key: value for key, value in found.items() if value}

    def for_core(self) -> dict[str, str]:
        """The question to core, for a page."""
        return {
            **self.narrowed,
            'sort': self.sort,
            'descending': 'yes' if self.descending else 'no',
            'count': str(PAGE),
            'page': str(self.page),
        }

    @property
    def link(self) -> str:
        """What comes behind the path, the question mark included."""
        found = dict(self.narrowed)
        if self.sort != 'address':
            found['sort'] = self.sort
        if self.descending:
            found['order'] = 'down'
        if self.page > 1:
            found['page'] = str(self.page)
        return f'?{urlencode(found)}'

    @property
    def export(self) -> str:
        """The same for the download, which has neither order nor pages."""
        return f'?{urlencode(self.narrowed)}'


@dataclass(frozen=True)
class Column:
    """A header that sorts.

    :ivar order: For screen readers: ``aria-sort``.
    :ivar link: Where it leads: it turns the order round where it has it already.
    """

    label: str
    order: str
    link: str


def columns(asked: Asked) -> list[Column]:
    """The headers of the table.

    :param asked: What the page shows.
    """
    found = []
    for key, label, down_first in COLUMNS:
        mine = asked.sort == key
        order = 'none'
        if mine:
            order = 'descending' if asked.descending else 'ascending'
        down = not asked.descending if mine else down_first
        link = replace(asked, sort=key, descending=down, page=1).link
        found.append(Column(label, order, link))
    return found


@dataclass(frozen=True)
class Pages:
    """Where a page is among all of them.

    :ivar first: The number of its first row, from 1.
    :ivar before: Where the page before is; empty on the first.
    :ivar after: Where the next one is; empty on the last.
    """

    number: int
    of: int
    first: int
    last: int
    total: int
    before: str
    after: str


def pages(asked: Asked, total: int) -> Pages:
    """The pages around one.

    :param asked: What the page shows.
    :param total: How many rows there are.
    """
    of = max(-(-total // PAGE), 1)
    first = (asked.page - 1) * PAGE + 1
    before, after = asked.page - 1, asked.page + 1
    return Pages(
        asked.page,
        of,
        first,
        min(first + PAGE - 1, total),
        total,
        replace(asked, page=min(before, of)).link if before else '',
        replace(asked, page=after).link if after <= of else '',
    )
