# SPDX-License-Identifier: GPL-3.0-or-later
"""A list's bounces as a table in a text, and as a CSV file (R20).

Pure: rows in, text out.  What stands in a CSV cell is never a formula.
"""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from email.mime.text import MIMEText
from email.parser import BytesHeaderParser
from enum import StrEnum
from itertools import groupby, islice
from zoneinfo import ZoneInfo

from qnet_mailman.bounces.reading.verdict import Kind
from qnet_mailman.clock import in_zone
from qnet_mailman.letter.times import zone_in_words
from qnet_mailman.templates.sending import WIDTH, one_line

MAX_ROWS = 50
"""Rows of the table in the text; all of them are in the CSV."""
MAX_REPORT = 32 * 1024
"""Bytes of a report that go along."""
FORMULA = ('=', '+', '-', '@', '\t', '\r', '\n')
"""What makes a spreadsheet take a cell for a formula when it begins so."""
COLUMNS = (
    'time (UTC)',
    'event',
    'address',
    'kind',
    'reason',
    'score',
    'threshold',
    'evidence',
)


class Event(StrEnum):
    """What administrators are told of, in the order in which they read it."""

    refused = 'refused'
    sender = 'sender'
    relay = 'relay'
    removed = 'removed'
    disabled = 'disabled'
    bounced = 'bounced'
    unrecognized = 'unrecognized'


@dataclass(frozen=True)
class _Words:
    """How an event is spoken of.

    :ivar short: For the subject, after a number.
    :ivar about: What it means, in the text.
    """

    heading: str
    short: str
    about: str


_WORDS = {
    Event.refused: _Words(
        'Refused by a provider',
        'refused by a provider',
        'The mail servers of these domains refuse messages of the list itself. This '
        'says nothing about the addresses, so it does not count against them. What '
        'helps: the domain $domain must be allowed there; ask the IT department '
        'that looks after the mail server to accept mail from $domain, and to check '
        'that $domain is not on a blocklist that it uses. If this does not help, '
        'contact us at the address below.',
    ),
    Event.sender: _Words(
        'Sender refused',
        'sender refused',
        'These mail servers refuse the address from which messages of the list are '
        'sent. This says nothing about the members there, so it does not count '
        'against them. What helps: $domain must be allowed there; if it is, contact '
        'us at the address below.',
    ),
    Event.relay: _Words(
        'Too large for our mail server',
        'too large for our mail server',
        'Our own mail server takes smaller messages than the list does. A message '
        'waits, and reaches nobody until that is changed or it is given up. It counts '
        'against no member. Please contact us at the address below.',
    ),
    Event.removed: _Words(
        'Removed from the list',
        'removed',
        'Mail to these addresses kept coming back, and nothing changed in the time '
        'that was given. They are no longer subscribed.',
    ),
    Event.disabled: _Words(
        'Delivery stopped',
        'stopped',
        'The score reached the threshold. These addresses get no more messages of '
        'the list for now. They are still subscribed, and are told how to solve it. '
        'Once mail to them works again, you can turn delivery on again; the score '
        'then starts from zero.',
    ),
    Event.bounced: _Words(
        'Came back',
        'came back',
        'Messages to these addresses came back. A soft bounce (such as a full '
        'mailbox) adds half a point, a hard one (such as an unknown address) one '
        'point, at most once a day.',
    ),
    Event.unrecognized: _Words(
        'Not understood',
        'not understood',
        'These messages came to the address for bounces, but it is not clear what '
        'they are. They count for nobody.',
    ),
}


def points(half_points: int) -> str:
    """Half-points as people read them: ``1``, ``1.5``."""
    whole, half = divmod(half_points, 2)
    return f'{whole}.5' if half else str(whole)


@dataclass(frozen=True)
class Row:
    """A `QNetBounceNotice` without its report."""

    id: int
    event: str
    email: str
    kind: str
    reason: str
    evidence: str
    half_score: int
    threshold: int
    at: datetime


def _once_each(rows: list[Row]) -> list[Row]:
    """A row for each address (R20): what came of a bounce stands for the bounce."""
    told: set[str] = set()
    for event in (Event.removed, Event.disabled, Event.bounced):
        rows = [row for row in rows if row.event != event or row.email not in told]
        told |= {row.email for row in rows if row.event == event}
    return rows


def _sorted(rows: Iterable[Row]) -> list[Row]:
    order = list(Event)
    return sorted(rows, key=lambda row: (order.index(Event(row.event)), row.id))


def _counts(rows: Sequence[Row]) -> str:
    """How many of each event: the subject."""
    return ', '.join(
        f'{len(list(group))} {_WORDS[Event(event)].short}'
        for event, group in groupby(rows, key=lambda row: row.event)
    )


# Widths of address, kind and reason; with the score, 78 columns.
_ADDRESS, _KIND, _REASON = 40, 4, 19


def table(
    rows: Sequence[Row], zone: ZoneInfo, domain: str, subjects: dict[int, str]
) -> str:
    """The rows as plain text, at most `MAX_ROWS` of them.

    :param rows: By event.
    :param zone: In whose time it is.
    :param domain: The list's domain.
    :param subjects: Of unrecognized messages, by the id of their row.
    """
    lines: list[str] = []
    for event, group in groupby(islice(rows, MAX_ROWS), key=lambda row: row.event):
        words = _WORDS[Event(event)]
        if lines:
            lines.append('')
        lines += [words.heading, '-' * len(words.heading)]
        lines += textwrap.wrap(words.about.replace('$domain', domain), WIDTH)
        lines.append('')
        match Event(event):
            case Event.refused:
                lines += _refusals(group)
            case Event.unrecognized:
                lines += _unrecognized(group, zone, subjects)
            case _:
                lines.append(_line('Address', 'Kind', 'Reason', 'Score'))
                for row in group:
                    lines += _address_lines(row)
    return '\n'.join(lines)


def _line(address: str, kind: str, reason: str, score: str) -> str:
    return (
        f'  {address:<{_ADDRESS}}  {kind:<{_KIND}}  {reason:<{_REASON}}  {score}'
    ).rstrip()


def _address_lines(row: Row) -> list[str]:
    address = one_line(row.email)
    score = f'{points(row.half_score)}/{row.threshold}'
    rest = (one_line(row.kind), one_line(row.reason), score)
    if len(address) <= _ADDRESS:
        return [_line(address, *rest)]
    pieces = [address]
    if len(address) > WIDTH - 2:
        local, at, domain = address.rpartition('@')
        pieces = [
            *textwrap.wrap(local, WIDTH - 2),
            *textwrap.wrap(at + domain, WIDTH - 2),
        ]
    return [*(f'  {piece}' for piece in pieces), _line('', *rest)]


def _refusals(rows: Iterable[Row]) -> list[str]:
    lines = []
    for row in rows:
        lines += textwrap.wrap(
            f'{one_line(row.email)}: {one_line(row.reason)}',
            WIDTH,
            initial_indent='  ',
            subsequent_indent='  ',
            break_on_hyphens=False,
        )
        lines += textwrap.wrap(
            one_line(row.evidence),
            WIDTH,
            initial_indent='    ',
            subsequent_indent='    ',
        )
    return lines


def _unrecognized(
    rows: Iterable[Row], zone: ZoneInfo, subjects: dict[int, str]
) -> list[str]:
    lines = []
    for row in rows:
        at = in_zone(row.at, zone)
        what = one_line(row.evidence) or subjects.get(row.id, '') or '(no subject)'
        if row.kind in (Kind.soft.value, Kind.hard.value):
            # A report of a failure, and why it counts for nobody.
            what = f'{one_line(row.reason)}: {what}'
        lines.append(
            textwrap.shorten(
                f'{at:%Y-%m-%d %H:%M} {zone_in_words(at)}  {what}',
                WIDTH,
                placeholder=' ...',
            )
        )
    return [f'  {line}' for line in lines]


def cell(text: str) -> str:
    """A text as a cell that no spreadsheet takes for a formula."""
    clean = ''.join(char if char.isprintable() else ' ' for char in text)
    return f"'{clean}" if clean.lstrip().startswith(FORMULA) else clean


def as_csv(rows: Iterable[Row]) -> str:
    """The rows as CSV (RFC 4180)."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator='\r\n')
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(
            [
                f'{row.at:%Y-%m-%d %H:%M:%S}',
                row.event,
                cell(row.email),
                cell(row.kind),
                cell(row.reason),
                points(row.half_score),
                row.threshold,
                cell(row.evidence),
            ]
        )
    return buffer.getvalue()


def _csv_part(rows: Sequence[Row], name: str) -> Message:
    # A surrogate is what a byte that is not text was read as.
    text = as_csv(rows).encode('utf-8', 'replace').decode('utf-8')
    part = MIMEText(text, 'csv', 'utf-8')
    part.set_param('header', 'present')
    part['Content-Disposition'] = 'attachment'
    part.set_param('filename', name, 'Content-Disposition')
    return part


class _Unread(Message):
    """A message of which only the headers were read.

    Whatever type it has, its body is written as lines of text: as it was, with the
    line ends of the message that it is in.
    """

    def get_content_maintype(self) -> str:
        """See `Message`; what the generator goes by."""
        return 'text'

    def get_content_subtype(self) -> str:
        """See `Message`."""
        return 'plain'


def report_part(report: bytes) -> Message:
    """An original report, or the beginning of it, as an attachment.

    Strangers wrote it, and may have nested it as deeply as they like.
    """
    outer = Message()
    outer['Content-Type'] = 'message/rfc822'
    outer['MIME-Version'] = '1.0'
    if not report.isascii():
        outer['Content-Transfer-Encoding'] = '8bit'
    outer['Content-Disposition'] = 'attachment'
    outer.attach(BytesHeaderParser(_Unread).parsebytes(report))
    return outer
