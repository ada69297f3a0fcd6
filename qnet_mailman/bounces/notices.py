# SPDX-License-Identifier: GPL-3.0-or-later
"""What members and administrators are told about bounces (R19, R20, R23, R34).

Members get warnings and, when they are removed, a last message; both are sent
although the member's delivery is disabled.

Administrators get one message per list and cycle about everything that came since: a
table as plain text (50 rows at most), the whole of it as CSV, and the first original
reports.  Until then an event is a `QNetBounceNotice`; it is deleted in the transaction
in which the message goes into the queue, just before the commit: a kill between the
two repeats this one message and loses none (R33).  What comes from a closed list waits
until that is opened again, and is forgotten once it cannot be any more.

Who gets it: the list's administrators, or the support address where a list has none;
for refusals by a provider the operators as well (`[mailman] site_owner`).  Nobody
else, and never an address that the message is about.
"""

from __future__ import annotations

import csv
import io
import logging
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.mime.text import MIMEText
from email.parser import BytesHeaderParser
from enum import StrEnum
from itertools import groupby, islice
from typing import Any, cast
from zoneinfo import ZoneInfo

from mailman.config import config
from mailman.interfaces.bounce import UnrecognizedBounceDisposition
from mailman.interfaces.listmanager import IListManager
from sqlalchemy import CursorResult, delete, select
from zope.component import getUtility

from qnet_mailman import startup
from qnet_mailman.bounces.ledger import chunks
from qnet_mailman.bounces.verdict import Reason
from qnet_mailman.model.base import by_itself, store
from qnet_mailman.model.bounces import QNetBounce, QNetBounceNotice
from qnet_mailman.model.closures import QNetClosure, closure_of
from qnet_mailman.templates.notices import WIDTH, one_line, send

MAX_ROWS = 50
"""Rows of the table in the text; all of them are in the CSV."""
MAX_REPORTS = 10
"""Original reports that go along."""
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

log = logging.getLogger('mailman.bounce')


class Event(StrEnum):
    """What administrators are told of, in the order in which they read it."""

    refused = 'refused'
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

#: Why a message came back, told to the person at whose address it did.
_BECAUSE = {
    Reason.mailbox_full: 'the mailbox is full',
    Reason.message_too_large: 'it was larger than your mail server accepts',
    Reason.account_suspended: 'the account is suspended or not in use',
    Reason.transient: (
        'your mail server could not be reached, or did not take it, for a long time'
    ),
    Reason.address_unknown: 'your mail server does not know this address',
    Reason.domain_unknown: 'the part of the address after the @ cannot be found',
    Reason.moved: 'your mail server says that the address has moved',
    Reason.policy: 'your mail server refuses it because of its rules or a blocklist',
    Reason.authentication: (
        'your mail server could not make sure that the message came from us'
    ),
    Reason.content: 'your mail server did not accept what was in it',
}


def points(half_points: int) -> str:
    """Half-points as people read them: ``1``, ``1.5``."""
    whole, half = divmod(half_points, 2)
    return f'{whole}.5' if half else str(whole)


def day_in_words(moment: datetime, zone: ZoneInfo) -> str:
    """The day of a moment: ``January 5, 2027``.

    :param moment: In UTC, without a time zone.
    """
    local = moment.replace(tzinfo=UTC).astimezone(zone)
    return f'{local:%B} {local.day}, {local.year}'


# --------------------------------------------------------------- to members


def send_warning(
    mlist: Any,
    email: str,
    *,
    last: QNetBounce | None,
    number: int,
    of: int,
    removal: datetime,
) -> None:
    """Warn a member whose delivery is disabled (R19).

    :param last: The member's last bounce; None where it is not known.
    :param number: Which warning this is, from 1.
    :param of: How many there are.
    :param removal: When the member will be removed, in UTC.
    """
    settings = startup.settings()
    send(
        mlist,
        email,
        'list:user:notice:warning',
        f'Messages of {mlist.display_name} do not reach you',
        {
            'user_email': email,
            # For a text that replaces the stock one.
            'sender_email': email,
            'what_happened': _what_happened(last, settings.time_zone),
            'number': str(number),
            'warnings': str(of),
            'removal_date': day_in_words(removal, settings.time_zone),
            'by_web': _by_web(mlist, settings.web_url),
        },
    )


def send_goodbye(mlist: Any, email: str, *, last: QNetBounce | None) -> None:
    """Tell somebody that they were removed, and how to come back (R19)."""
    settings = startup.settings()
    link = '' if settings.web_url is None else f'\n\n  {_list_page(mlist)}\n\nor by'
    send(
        mlist,
        email,
        'qnet:user:notice:removed',
        f'Your subscription to {mlist.display_name} has ended',
        {
            'user_email': email,
            'what_happened': _what_happened(last, settings.time_zone),
            'by_web': f' at{link}' if link else ' by',
        },
    )


def _list_page(mlist: Any) -> str:
    return f'{startup.settings().web_url}/mailman3/lists/{mlist.list_id}/'


def _by_web(mlist: Any, web_url: str | None) -> str:
    if web_url is None:
        return ''
    return (
        '\n  - Or turn it on yourself: sign in with this address at\n\n'
        f'      {_list_page(mlist)}\n\n'
        '    and set the delivery status to "enabled".\n'
    )


def _what_happened(last: QNetBounce | None, zone: ZoneInfo) -> str:
    if last is None:
        return 'Mail to this address came back to us.'
    try:
        because = _BECAUSE.get(Reason(last.reason))
    except ValueError:
        because = None
    said = f', because {because}' if because else ', and the report does not say why'
    day = day_in_words(last.received_at, zone)
    text = textwrap.fill(f'The last message came back on {day}{said}.', WIDTH)
    evidence = one_line(last.evidence)
    if not evidence:
        return text
    quoted = textwrap.fill(evidence, WIDTH, initial_indent='  ', subsequent_indent='  ')
    return f'{text}\nThe report says:\n\n{quoted}'


# -------------------------------------------------------- to administrators


def is_wanted(mlist: Any, event: str) -> bool:
    """Whether anybody is to be told of an event on a list (R20)."""
    match Event(event):
        case Event.bounced:
            return mlist.bounce_notify_owner_on_bounce_increment
        case Event.disabled:
            return mlist.bounce_notify_owner_on_disable
        case Event.removed:
            # One message a cycle, and none for each member, where changes of
            # memberships are to be told.
            return mlist.bounce_notify_owner_on_removal or mlist.admin_notify_mchanges
        case Event.unrecognized:
            disposition = mlist.forward_unrecognized_bounces_to
            return disposition is not UnrecognizedBounceDisposition.discard
        case _:
            return True


def note(
    mlist: Any,
    event: Event,
    *,
    email: str = '',
    kind: str = '',
    reason: str = '',
    evidence: str = '',
    half_score: int = 0,
    report: bytes | None = None,
    now: datetime,
) -> None:
    """Keep an event for the next notice, if the list wants to be told of it.

    Part of the caller's transaction.
    """
    if not is_wanted(mlist, event):
        return
    store().add(
        QNetBounceNotice(
            list_id=mlist.list_id,
            event=event.value,
            email=email[:320],
            kind=kind,
            reason=reason,
            evidence=evidence[:500],
            half_score=half_score,
            threshold=int(mlist.bounce_score_threshold),
            report=None if report is None else report[:MAX_REPORT],
            at=now,
        )
    )


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


def send_all(now: datetime) -> None:
    """Write to the administrators of every list that has events (R20).

    A transaction for each list; commits.  A list that fails does not keep the others
    waiting, and is tried again in the next cycle.
    """
    closed = select(QNetClosure.list_id).where(QNetClosure.undo_until > now)
    waiting = (
        select(QNetBounceNotice.list_id)
        .where(QNetBounceNotice.list_id.not_in(closed))
        .distinct()
    )
    for list_id in sorted(store().scalars(waiting)):
        with by_itself(
            log, 'The notice about bounces of %s could not be sent', list_id
        ):
            _send_for(list_id, now)


def _send_for(list_id: str, now: datetime) -> None:
    columns = [getattr(QNetBounceNotice, name) for name in Row.__dataclass_fields__]
    rows = [
        Row(*values)
        for values in store().execute(
            select(*columns)
            .where(QNetBounceNotice.list_id == list_id)
            .order_by(QNetBounceNotice.id)
        )
    ]
    # Before anything is sent: whoever deletes them is the one who tells.
    deleted = 0
    reports = _reports(rows)
    for some in chunks(row.id for row in rows):
        gone = store().execute(
            delete(QNetBounceNotice)
            .where(QNetBounceNotice.id.in_(some))
            .execution_options(synchronize_session=False)
        )
        deleted += cast('CursorResult[Any]', gone).rowcount
    mlist = getUtility(IListManager).get_by_list_id(list_id)
    if deleted != len(rows) or mlist is None:
        if mlist is not None:
            config.db.abort()
        return
    if closure_of(list_id) is not None:
        return
    for audience, recipients in _audiences(mlist, rows):
        _send_to(mlist, recipients, audience, reports, now)


def _reports(rows: Sequence[Row]) -> dict[int, bytes]:
    """The first reports, of the most important events, by the id of their row.

    One that is about several events is there once.
    """
    ids = [row.id for row in _sorted(rows)]
    found: dict[int, bytes] = {}
    for some in chunks(ids):
        with_report = set(
            store().scalars(
                select(QNetBounceNotice.id)
                .where(QNetBounceNotice.id.in_(some))
                .where(QNetBounceNotice.report.is_not(None))
            )
        )
        for row_id in (one for one in some if one in with_report):
            report = store().scalar(
                select(QNetBounceNotice.report).where(QNetBounceNotice.id == row_id)
            )
            if report and report not in found.values():
                found[row_id] = report[:MAX_REPORT]
            if len(found) == MAX_REPORTS:
                return found
    return found


def _once_each(rows: list[Row]) -> list[Row]:
    """A row for each address (R20): what came of a bounce stands for the bounce."""
    told: set[str] = set()
    for event in (Event.removed, Event.disabled, Event.bounced):
        rows = [row for row in rows if row.event != event or row.email not in told]
        told |= {row.email for row in rows if row.event == event}
    return rows


def _audiences(mlist: Any, rows: Sequence[Row]) -> list[tuple[list[Row], list[str]]]:
    """Who is told what."""
    told = _once_each([row for row in rows if is_wanted(mlist, row.event)])
    to_site_owner = (
        mlist.forward_unrecognized_bounces_to
        is UnrecognizedBounceDisposition.site_owner
    )
    for_operators = [
        row
        for row in told
        if row.event == Event.refused
        or (row.event == Event.unrecognized and to_site_owner)
    ]
    for_administrators = [
        row for row in told if not (row.event == Event.unrecognized and to_site_owner)
    ]
    support = startup.settings().support_address
    bouncing = {row.email.lower() for row in rows}
    administrators = sorted(
        address.email
        for address in mlist.owners.addresses
        if address.email.lower() not in bouncing
    ) or [support]
    operators = [config.mailman.site_owner or support]
    if operators == administrators:
        return [(told, administrators)] if told else []
    found = [(for_administrators, administrators), (for_operators, operators)]
    return [(events, recipients) for events, recipients in found if events]


def _send_to(
    mlist: Any,
    recipients: list[str],
    rows: Sequence[Row],
    reports: dict[int, bytes],
    now: datetime,
) -> None:
    zone = startup.settings().time_zone
    rows = _sorted(rows)
    attached = [reports[row.id] for row in rows if row.id in reports]
    name = f'bounces-{mlist.list_id}-{now:%Y-%m-%d}'
    shown = min(len(rows), MAX_ROWS)
    rest = (
        'The table'
        if shown == len(rows)
        else f'Above are {shown} of {len(rows)} rows. All of them'
    )
    end = f'{rest} is attached as {name}.csv.'
    if shown < len(rows):
        end = f'{rest} are attached as {name}.csv.'
    if attached:
        what = 'original report is'
        if len(attached) > 1:
            what = f'{len(attached)} original reports are'
        end += f' The first {what} attached, too.'
    send(
        mlist,
        recipients,
        'qnet:admin:notice:bounces',
        f'{mlist.display_name}: {_counts(rows)}',
        {
            'rows': table(rows, zone, mlist.mail_host, _subjects(reports)),
            'attached': textwrap.fill(end, WIDTH, break_on_hyphens=False),
            'where': _where(mlist),
        },
        attachments=[
            _csv_part(rows, f'{name}.csv'),
            *(report_part(report) for report in attached),
        ],
    )


def _where(mlist: Any) -> str:
    if startup.settings().web_url is None:
        return 'You manage the members of the list in Postorius.'
    return f'You manage the members of the list at\n\n  {_list_page(mlist)}'


def _sorted(rows: Iterable[Row]) -> list[Row]:
    order = list(Event)
    return sorted(rows, key=lambda row: (order.index(Event(row.event)), row.id))


def _counts(rows: Sequence[Row]) -> str:
    """How many of each event: the subject."""
    return ', '.join(
        f'{len(list(group))} {_WORDS[Event(event)].short}'
        for event, group in groupby(rows, key=lambda row: row.event)
    )


def _subjects(reports: dict[int, bytes]) -> dict[int, str]:
    """What unrecognized messages are called."""
    parser = BytesHeaderParser()
    return {
        row_id: one_line(str(parser.parsebytes(report).get('subject', '')))
        for row_id, report in reports.items()
    }


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
        at = row.at.replace(tzinfo=UTC).astimezone(zone)
        what = one_line(row.evidence) or subjects.get(row.id, '') or '(no subject)'
        lines.append(
            textwrap.shorten(f'{at:%Y-%m-%d %H:%M}  {what}', WIDTH, placeholder=' ...')
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
