# SPDX-License-Identifier: GPL-3.0-or-later
"""What administrators are told about bounces (R20, R23, R34).

They get one message per list and cycle about everything that came since: a
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

import logging
import textwrap
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Any, cast

from mailman.config import config
from mailman.interfaces.bounce import UnrecognizedBounceDisposition
from mailman.interfaces.listmanager import IListManager
from sqlalchemy import CursorResult, delete, select
from zope.component import getUtility

from qnet_mailman import site
from qnet_mailman.bounces.advice import reason_of
from qnet_mailman.bounces.member_notices import numbered_advice
from qnet_mailman.bounces.notice_table import (
    MAX_REPORT,
    MAX_ROWS,
    Event,
    Row,
    _counts,
    _csv_part,
    _once_each,
    _sorted,
    report_part,
    table,
)
from qnet_mailman.bounces.whose import NOWHERE
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.base import by_itself, store
from qnet_mailman.model.bounces import QNetBounceNotice
from qnet_mailman.model.closures import QNetClosure, closure_of
from qnet_mailman.model.lists import row_of
from qnet_mailman.model.statements import chunks
from qnet_mailman.subscriptions.quoted import make_dead
from qnet_mailman.templates.sending import WIDTH, one_line, operators, send

OF_NO_LIST = NOWHERE.list_id
"""In place of a List-ID: what came to an address of ours that is of no list."""
MAX_REPORTS = 10
"""Original reports that go along."""

log = logging.getLogger('mailman.bounce')


def is_wanted(mlist: Mlist, event: str) -> bool:
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
    mlist: Mlist,
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
    if deleted != len(rows):
        config.db.abort()
        return
    if mlist is None:
        if list_id == OF_NO_LIST:
            _send_to_operators(rows, reports, now)
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


def _audiences(mlist: Mlist, rows: Sequence[Row]) -> list[tuple[list[Row], list[str]]]:
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
    support = site.settings().support_address
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
    mlist: Mlist,
    recipients: list[str],
    rows: Sequence[Row],
    reports: dict[int, bytes],
    now: datetime,
) -> None:
    rows = _sorted(rows)
    substitutions, attachments = _what_came(
        rows, reports, mlist.mail_host, f'bounces-{mlist.list_id}-{now:%Y-%m-%d}'
    )
    send(
        mlist,
        recipients,
        'qnet:admin:notice:bounces',
        f'{mlist.display_name}: {_counts(rows)}',
        {
            **substitutions,
            'where': _where(mlist),
            'to_members': _to_members(mlist, rows),
        },
        attachments=attachments,
    )


def _send_to_operators(
    rows: Sequence[Row], reports: dict[int, bytes], now: datetime
) -> None:
    """Tell of reports to addresses that were not handed out for any list (R35)."""
    domain = site.settings().domain
    substitutions, attachments = _what_came(
        rows, reports, domain, f'bounces-{now:%Y-%m-%d}'
    )
    send(
        None,
        operators(),
        'qnet:operator:notice:bounces',
        f'Reports about no list: {_counts(rows)}',
        substitutions,
        attachments=attachments,
    )


def _what_came(
    rows: Sequence[Row], reports: dict[int, bytes], domain: str, name: str
) -> tuple[dict[str, str], list[Any]]:
    """The table of a notice, and what is attached to it.

    :param name: What the attached table is called.
    """
    zone = site.settings().time_zone
    attached = [reports[row.id] for row in rows if row.id in reports]
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
    return {
        'rows': table(rows, zone, domain, _subjects(reports)),
        'attached': textwrap.fill(end, WIDTH, break_on_hyphens=False),
    }, [
        _csv_part(rows, f'{name}.csv'),
        *(_report_for_others(report) for report in attached),
    ]


def _where(mlist: Mlist) -> str:
    web_url = site.settings().web_url
    # That page is of our lists; others have none (R40).
    if web_url is None or row_of(mlist) is None:
        return 'You manage the members of the list in Postorius.'
    return (
        'You decide about these members on\n\n  Bounces of the list:\n  '
        f'{web_url}/mailman3/lists/{mlist.list_id}/bounces/\n\n'
        'There you choose one or several, and turn their delivery on again, remove '
        'them, or have a message sent to them that says what to do.'
    )


def _to_members(mlist: Mlist, rows: Sequence[Row]) -> str:
    """What an administrator can send to those who are members still, by reason."""
    reasons: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for row in rows:
        if row.event in (Event.disabled, Event.bounced):
            steps = numbered_advice(mlist, reason_of(row.reason))
            reasons[steps].setdefault(f'"{one_line(row.reason)}"')
    texts = [
        f'For the reason {" or ".join(named)}:\n\n'
        f'  Messages of the mailing list "{mlist.display_name}" '
        f'<{mlist.fqdn_listname}> do not reach you at the address with which you '
        f'are subscribed. What to do:\n\n{steps}\n\n  Then tell me, please.'
        for steps, named in reasons.items()
    ]
    first = (
        'Mail from here may not reach these members. This is a text to copy, and to '
        'send from your own mail program or to read out on the phone.'
    )
    return '\n\n'.join([first, *texts]) if texts else ''


def _subjects(reports: dict[int, bytes]) -> dict[int, str]:
    """What unrecognized messages are called."""
    parser = BytesHeaderParser()
    return {
        row_id: one_line(str(parser.parsebytes(report).get('subject', '')))
        for row_id, report in reports.items()
    }


def _report_for_others(report: bytes) -> Message:
    """A report without the links of the member whose message it returns (R39)."""
    part = report_part(report)
    make_dead(part)
    return part
