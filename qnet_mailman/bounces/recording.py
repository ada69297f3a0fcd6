# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes bounces of members into the ledger, many at a time (R17, R18, R23).

What is written is what one bounce after another would have written.  A member has one
place a day in the ledger, so that a *round* has at most one bounce of each member; what
comes of it depends on nobody else's, but for refusals by a provider, which are gone
through one by one (:class:`.providers.Day`).

The members are locked when a round begins, so that two reports for one member wait for
each other.  A round is five statements, and one more for each list that is refused:

1. what the ledger has of the members;
2. for refusals: who refused the list on that day;
3. the rows of the ledger (a unique constraint sees to it that a day has one);
4. Mailman's own columns;
5. what the administrators are to be told.

The fifth was the first: the members.  Whose delivery is disabled by a bounce, or was
turned on again, costs more.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from mailman.interfaces.member import DeliveryStatus
from mailman.model.member import Member

from qnet_mailman import clock, site
from qnet_mailman.bounces import discipline, ledger, providers, refusals, scoring
from qnet_mailman.bounces.reading.verdict import Failure
from qnet_mailman.bounces.whose import Found, Place
from qnet_mailman.model import counters
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounceNotice, State
from qnet_mailman.model.statements import insert_rows, update_rows

MAX_REPORT = 32 * 1024
"""Bytes of a report that are kept for the administrators."""

log = logging.getLogger('mailman.bounce')

members: Any = Member.__table__
notices: Any = QNetBounceNotice.__table__


class Crossed(Exception):
    """Somebody wrote into the ledger what was about to be written."""


@dataclass(frozen=True)
class Bounce:
    """A failure of a member, to be written down.

    :ivar report: Its first bytes, at most `MAX_REPORT`.
    :ivar received: When it came, in UTC.
    :ivar post: See `QNetBounce.post`.
    """

    place: Place
    member: Found
    failure: Failure
    report: bytes
    received: datetime
    post: str | None = None


@dataclass
class _Entry:
    """A bounce on its way into the ledger.

    :ivar last: Today, or the day of a report that is of tomorrow.
    :ivar row: As the ledger is to have it.
    :ivar shown: Today's score, in half-points.
    :ivar half: The score that counts: another one where the report is late.
    """

    bounce: Bounce
    last: date
    row: dict[str, Any]
    shown: int = 0
    half: int = 0

    @property
    def is_refusal(self) -> bool:
        return self.bounce.failure.reason.refuses_the_list

    @property
    def is_withheld(self) -> bool:
        return bool(self.row['state'] == State.withheld.value)

    @property
    def first(self) -> date:
        """The first day whose bounces matter to the score."""
        return clock.first_day(
            min(self.row['day'], self.last), self.bounce.place.window
        )


def record(bounces: Sequence[Bounce], *, now: datetime) -> int:
    """Write bounces into the ledger, and draw the consequences.

    Their members are locked by whoever found them.  Part of the caller's transaction.

    :param bounces: In the order in which they came.
    :param now: In UTC, without a zone.
    :return: How many were written: whose day was free.
    :raises Crossed: if the database got something else in the place of one meanwhile;
        never for a single one.
    """
    return sum(_record(some, now) for some in _rounds(bounces))


def _rounds(bounces: Sequence[Bounce]) -> Iterator[list[Bounce]]:
    some: dict[str, Bounce] = {}
    for bounce in bounces:
        if bounce.member.member_id in some:
            yield list(some.values())
            some = {}
        some[bounce.member.member_id] = bounce
    if some:
        yield list(some.values())


def _record(bounces: list[Bounce], now: datetime) -> int:
    _settle(bounces)
    entries = [_entry(one, now) for one in bounces]
    known = _known(entries)
    written, over = [], []
    for entry in entries:
        of_member = known[entry.row['member_id']]
        state = of_member.states.get(entry.row['day'])
        if entry.row['post'] in of_member.posts:
            _say_counted_already(entry)
        elif state is None:
            written.append(entry)
        elif state == State.withheld.value and not entry.is_refusal:
            # A refusal that is nobody's fault leaves the day's place free (R36).
            over.append(entry)
        else:
            _say_counted_already(entry)
    found_out = _judge_refusals(written)
    if insert_rows(ledger.bounces, [one.row for one in written]) != len(written):
        if len(bounces) > 1:
            raise Crossed('the ledger was written to by somebody else')
        written = []
    for list_id, by, day in found_out:
        refusals.withhold(list_id, by, day, now=now)
    if found_out:
        # Also of members who are at hand, and of other days of theirs.
        known = _known(entries)
    written += [one for one in over if providers.record_over(one.row)]
    for entry in written:
        _add_up(entry, known[entry.row['member_id']].marks)
    _tell(written)
    for entry in written:
        kind = entry.row['kind']
        how = 'withheld' if entry.is_withheld else 'counted'
        counters.add('bounces', kind, how)
        counters.add('provider bounces', entry.row['provider'], kind)
        _draw_consequences(entry, now)
    return len(written)


def _known(entries: Sequence[_Entry]) -> Mapping[str, ledger.Known]:
    return ledger.known(
        [one.row['member_id'] for one in entries],
        [one.row['post'] for one in entries if one.row['post']],
        min(one.first for one in entries),
        max(one.last for one in entries),
    )


def _settle(bounces: list[Bounce]) -> None:
    """Let members start again who turned their delivery on (R22)."""
    for one in bounces:
        member = one.member
        if member.suspended and member.status is not DeliveryStatus.by_bounces:
            discipline.settle(one.place.mlist, _load(member))
    store().flush()


def _entry(bounce: Bounce, now: datetime) -> _Entry:
    zone = site.settings().time_zone
    member, failure, place = bounce.member, bounce.failure, bounce.place
    day = clock.day_of(bounce.received, zone)
    domain = member.email.rpartition('@')[2]
    row = {
        'member_id': member.member_id,
        'list_id': place.list_id,
        'email': member.email,
        'domain': domain,
        'provider': providers.provider(failure.host, domain, place.mlist.mail_host),
        'day': day,
        'half_points': scoring.HALF_POINTS[failure.kind],
        'state': State.counted.value,
        'kind': failure.kind.value,
        'reason': failure.reason.value,
        'status': (failure.status or '')[:20] or None,
        'reply_code': (failure.reply_code or '')[:3] or None,
        'evidence': storable(failure.evidence)[:500],
        'received_at': bounce.received,
        'post': bounce.post,
    }
    return _Entry(bounce, max(day, clock.day_of(now, zone)), row)


def storable(text: str) -> str:
    """Text that PostgreSQL takes: without NUL and lone surrogates."""
    clean = text.encode('utf-8', 'surrogateescape').decode('utf-8', 'replace')
    return clean.replace('\0', '')


def _say_counted_already(entry: _Entry) -> None:
    log.info(
        '%s on %s: bounced, that day or post counted already',
        entry.row['email'],
        entry.row['list_id'],
    )


def _judge_refusals(entries: Sequence[_Entry]) -> list[tuple[str, str, date]]:
    """Take the points from refusals that are nobody's fault (R23, R36).

    :return: The list, provider and day of each refusal of a list that these show; to
        be withheld once they are in the ledger.
    """
    if not site.settings().provider_refusals:
        return []
    days: dict[tuple[str, date], providers.Day] = {}
    found_out = []
    refused = [one for one in entries if one.is_refusal]
    for entry in refused:
        row = entry.row
        at = row['list_id'], row['day']
        if at not in days:
            days[at] = providers.Day.read(*at)
        by = refusals.note_refusal(days[at], row['provider'], row['domain'])
        if by is not None:
            found_out.append((row['list_id'], by, row['day']))
    for entry in refused:
        row = entry.row
        if days[row['list_id'], row['day']].decision(row['provider']):
            row['state'] = State.withheld.value
    return found_out


def _add_up(entry: _Entry, marks: Sequence[scoring.Mark]) -> None:
    """Find out the score that a bounce makes.

    :param marks: What the ledger has of the member, with this bounce or without.
    """
    day, window = entry.row['day'], entry.bounce.place.window
    marks = [one for one in marks if one[0] != day]
    if not entry.is_withheld:
        marks = [*marks, (day, entry.row['half_points'])]
    entry.shown = entry.half = scoring.score(marks, entry.last, window)
    if day != entry.last and not entry.is_withheld:
        # It waited in the queue for days.
        entry.half = scoring.peak(marks, day, entry.last, window)


def _tell(entries: Sequence[_Entry]) -> None:
    """Show the scores in Mailman's columns, and keep what administrators are told."""
    update_rows(
        members,
        'id',
        [
            {
                'id': entry.bounce.member.row_id,
                'bounce_score': scoring.whole_points(entry.shown),
                'last_bounce_received': entry.bounce.received,
            }
            for entry in entries
            # On other lists these are Mailman's own, and go on when it scores again.
            if entry.bounce.place.is_ours
        ],
    )
    insert_rows(
        notices,
        [
            {
                'list_id': entry.row['list_id'],
                'event': 'bounced',
                'email': entry.row['email'],
                'kind': entry.row['kind'],
                'reason': entry.row['reason'],
                'evidence': entry.row['evidence'],
                'half_score': entry.half,
                'threshold': entry.bounce.place.threshold,
                'report': entry.bounce.report,
                'at': entry.bounce.received,
            }
            for entry in entries
        ],
    )


def _draw_consequences(entry: _Entry, now: datetime) -> None:
    place, member = entry.bounce.place, entry.bounce.member
    log.info(
        '%s on %s: %s bounce (%s)%s, score %s of %s',
        member.email,
        place.list_id,
        entry.row['kind'],
        entry.row['reason'],
        ', withheld' if entry.is_withheld else '',
        scoring.shown(entry.half),
        place.threshold,
    )
    if entry.is_withheld or not scoring.is_reached(entry.half, place.threshold):
        return
    loaded = _load(member)
    # What was read while waiting for the member may be older than the member is.
    store().refresh(loaded.preferences)
    if refusals.may_be_disabled(loaded.preferences.delivery_status):
        discipline.reached(
            place.mlist, loaded, entry.half, now=now, report=entry.bounce.report
        )


def _load(member: Found) -> Any:
    """Mailman's object of a member, as the database has it now."""
    return store().get(Member, member.row_id, populate_existing=True)
