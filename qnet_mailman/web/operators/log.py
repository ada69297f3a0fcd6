# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit log, as core gives it: what is asked for, its lines, and files of them."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from qnet_mailman.web import core
from qnet_mailman.web.lists.export import Line, guarded

#: Lines that core is asked for at once, for a file.
BATCH = 1000
#: What may be asked for, as core's resource names it; the last two are days.
ABOUT = ('list', 'request', 'person', 'action', 'since', 'until')
COLUMNS = ('at', 'actor', 'action', 'list', 'subject', 'detail')


@dataclass(frozen=True)
class Asked:
    """Which lines somebody asks for.

    :ivar fields: What they wrote, by the names of `ABOUT`.
    :ivar before: The number of a line: only older ones; empty for the newest.
    :ivar wrong: The fields that are no day.
    :ivar list_id: The one list whose lines there are, which the address of its page
        says already; empty for all.
    """

    fields: Mapping[str, str]
    before: str
    wrong: list[str]
    list_id: str

    @classmethod
    def of(cls, fields: Mapping[str, str], list_id: str = '') -> Asked:
        """What a form asks for.

        :param fields: The form's.
        :param list_id: The one list whose lines there are; empty for all.
        """
        asked = {
            name: fields.get(name, '').replace('\0', '').strip()[:320] for name in ABOUT
        }
        asked['list'] = list_id or asked['list']
        before = fields.get('before', '')
        return cls(
            {name: text for name, text in asked.items() if text},
            before if re.fullmatch('[1-9][0-9]{0,8}', before) else '',
            [name for name in ABOUT[-2:] if asked[name] and not _day(asked[name])],
            list_id,
        )

    @property
    def chosen(self) -> dict[str, str]:
        """What they wrote, without what the address of the page says."""
        fixed = 'list' if self.list_id else ''
        return {name: text for name, text in self.fields.items() if name != fixed}

    def for_core(self) -> dict[str, str]:
        """The same for core's resource; days begin and end in UTC."""
        asked = {**self.fields, **({'before': self.before} if self.before else {})}
        for name, days in zip(ABOUT[-2:], (0, 1), strict=True):
            day = _day(asked.pop(name, ''))
            if day is not None:
                asked[name] = f'{day + timedelta(days):%Y-%m-%d}T00:00:00Z'
        return asked

    def query(self, before: int | None = None) -> str:
        """The same behind the question mark of an address.

        :param before: The line before which they are to be.
        """
        return urlencode({**self.chosen, **({'before': before} if before else {})})


def _day(text: str) -> date | None:
    try:
        day = datetime.strptime(text, '%Y-%m-%d').replace(tzinfo=UTC).date()
    except ValueError:
        return None
    # There is a day after it.
    return day if day.year < date.max.year else None


def lines(
    fields: Mapping[str, str], *, senders: bool = False
) -> tuple[list[dict[str, Any]], list[str]]:
    """Lines of the audit log for a page, and all actions that it knows.

    :param fields: As core's resource takes them.
    :param senders: With who sent masked posts, which core notes in the log.
    """
    if senders:
        found = core.found(core.post('audit/senders', fields))
    else:
        found = core.read('audit', fields)
    return [_for_page(each) for each in found.get('entries', [])], found['actions']


def _for_page(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line with a moment that is a moment, and details as pairs."""
    return {
        **line,
        'at': datetime.fromisoformat(line['at']),
        'detail': list(_pairs(line['detail'])),
    }


def _pairs(detail: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Names and values that are not empty, also those of an object in it."""
    for name, value in detail.items():
        if isinstance(value, Mapping):
            yield from _pairs(value)
        elif isinstance(value, list):
            yield name, '; '.join(map(str, value))
        elif value not in ('', None):
            yield name, value


def as_file(kind: str, asked: Asked) -> Iterator[str]:
    """The lines of a file, the newest first, however many: RFC 4180, or JSON Lines.

    Core is asked for the first before the first is given, so that the caller can still
    answer that it is away.

    :param kind: `csv` or `jsonl`.
    """
    fields = {**asked.for_core(), 'count': str(BATCH)}
    return _as_file(kind, fields, core.read('audit', fields).get('entries', []))


def _as_file(
    kind: str, fields: dict[str, str], found: list[dict[str, Any]]
) -> Iterator[str]:
    writer = csv.writer(Line(), lineterminator='\r\n')
    if kind == 'csv':
        yield writer.writerow(COLUMNS)
    while found:
        for line in found:
            row = {name: line[name] for name in COLUMNS}
            if kind == 'csv':
                row |= {'list': row['list'] or '', 'detail': json.dumps(row['detail'])}
                yield writer.writerow([guarded(text) for text in row.values()])
            else:
                yield f'{json.dumps(row)}\n'
        if len(found) < BATCH:
            return
        fields['before'] = str(found[-1]['id'])
        found = core.read('audit', fields).get('entries', [])
