# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of the messages at bounces addresses (R16-R18, R22, R23).

Who bounced is what the address says to which the report came (:mod:`.whose`).  What has
no token of ours there goes where unrecognized messages go, with the reason: otherwise
anybody could disable a member by mailing a report about them.

The day of a report is that on which we received it, which LMTP writes down; not the one
on which a runner gets around to it.  So a queue file that is read again after midnight
changes nothing.

Many are received together, in statements that are about all of them.  First each is
read, which takes no SQL, and only what is kept of it stays in memory.  Then a statement
finds the members at the addresses, and one more those whom reports name instead;
:mod:`.recording` writes into the ledger.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.message import Message
from typing import Any

from sqlalchemy import bindparam, func, select

from qnet_mailman import clock
from qnet_mailman.bounces import recording, refusals, whose
from qnet_mailman.bounces.reading.classify import classify, of_address
from qnet_mailman.bounces.reading.verdict import Failure, Reason, Verdict
from qnet_mailman.bounces.recording import MAX_REPORT, Bounce, storable
from qnet_mailman.bounces.whose import Doubt, Place
from qnet_mailman.mail.written import first_bytes
from qnet_mailman.model import counters
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounceNotice
from qnet_mailman.model.return_addresses import Claim, Verifier
from qnet_mailman.model.statements import insert_rows

MAX_UNRECOGNIZED = 200
"""Unrecognized messages of one list that wait for the next notice at most."""

log = logging.getLogger('mailman.bounce')

notices: Any = QNetBounceNotice.__table__


@dataclass(frozen=True)
class Arrival:
    """A message at the bounces address of a list.

    :ivar received_at: When it came in; anything but a moment where that is not known.
    :ivar recipient: To which address it came, as LMTP was told.
    """

    place: Place
    msg: Message
    received_at: Any = None
    recipient: str = ''


@dataclass(frozen=True)
class _Read:
    """What is kept of a message that was read.

    :ivar name: Its Message-ID.
    :ivar report: Its first bytes.
    :ivar received: In UTC, without a zone.
    :ivar claim: See `whose.claimed`.
    """

    place: Place
    name: str
    subject: str
    report: bytes
    received: datetime
    verdict: Verdict
    claim: Claim | str | Doubt


# ------------------------------------------------------------------ receiving


def receive_all(
    arrivals: Iterable[Arrival], *, now: datetime, verifier: Verifier | None = None
) -> None:
    """Score reports, or pass them on, or forget them.

    :param arrivals: In the order in which they came; each is let go before the next.
    :param now: In UTC, without a zone.
    :param verifier: Of tokens, kept for some batches.
    """
    verifier = verifier or Verifier()
    reports: list[_Read] = []
    named: list[tuple[_Read, str]] = []
    not_understood: list[tuple[_Read, Doubt | None]] = []
    for one in arrivals:
        if not one.place.process_bounces:
            continue
        received = _naive(one.received_at) or now
        claim: Claim | str | Doubt = Doubt.no_token
        if one.place.is_ours:
            claim = whose.claimed(one.place, one.recipient, received, verifier)
        read = _read(one.place, one.msg, received, classify(one.msg), claim)
        if read is None:
            counters.add('bounces', 'none', 'ignored')
            continue
        if not read.verdict.failures:
            not_understood.append((read, None))
        elif one.place.is_ours:
            reports.append(read)
        elif emails := whose.named_in(one.place, one.msg, read.verdict):
            named += [(read, email) for email in emails]
        else:
            not_understood.append((read, None))
    bounces, doubts = _sorted_out(reports, named, now)
    recording.record(bounces, now=now)
    _pass_on([*not_understood, *doubts])


def _read(
    place: Place,
    msg: Message,
    received: datetime,
    verdict: Verdict,
    claim: Claim | str | Doubt,
) -> _Read | None:
    """What is kept of a message; None of what is understood, and no bounce."""
    name = str(msg.get('message-id', 'n/a')).strip()
    if not verdict.failures and verdict.recognized:
        log.info('%s: not a bounce: %s', name, verdict.reason.value)
        return None
    subject = storable(str(msg.get('subject', '')))
    report = first_bytes(msg, MAX_REPORT)
    return _Read(place, name, subject, report, received, verdict, claim)


def _sorted_out(
    reports: Sequence[_Read], named: Sequence[tuple[_Read, str]], now: datetime
) -> tuple[list[Bounce], list[tuple[_Read, Doubt | None]]]:
    """Whose bounces some reports are, and which of them count for nobody, and why.

    :param named: Reports about lists of other styles, each with a name in it.
    """
    addressed = whose.addressed(
        [(one.place, one.claim, one.received) for one in reports]
    )
    pairs = list(zip(reports, addressed, strict=True))
    known = [
        (read, found) for read, found in pairs if isinstance(found, whose.Addressed)
    ]
    about_others = whose.naming_others(
        [(read.place, found.email, read.verdict) for read, found in known]
    )
    doubts: list[tuple[_Read, Doubt | None]] = [
        (read, found) for read, found in pairs if isinstance(found, Doubt)
    ]
    for read, found in pairs:
        if found is None:
            log.info('%s: bounced, and was not to a member', read.name)
    # Whom these are about is believed.
    known += [
        (read, whose.Addressed(email, whose.find(read.place, email)))
        for read, email in named
    ]
    bounces: list[Bounce] = []
    told: set[tuple[str, str, date]] = set()
    for number, (read, found) in enumerate(known):
        if number in about_others:
            doubts.append((read, Doubt.another))
            continue
        failure = of_address(read.verdict, found.email).failures[0]
        place, received = read.place, read.received
        if _is_about_a_member(place, failure, found.email, received, now, told):
            post = None if found.post is None else found.post.hex()
            bounces += [
                Bounce(place, member, failure, read.report, received, post)
                for member in found.members
            ]
    return bounces, doubts


def _naive(moment: Any) -> datetime | None:
    if not isinstance(moment, datetime):
        return None
    if moment.tzinfo is None:
        return moment
    return moment.astimezone(UTC).replace(tzinfo=None)


def _pass_on(messages: Sequence[tuple[_Read, Doubt | None]]) -> None:
    """Note messages that count for nobody for the next notices of their lists.

    :param messages: Each with why, where it reports a failure.
    """
    of_list: dict[str, list[tuple[_Read, Doubt | None]]] = defaultdict(list)
    for read, doubt in messages:
        list_id = read.place.list_id
        counters.add('bounces', read.verdict.kind.value, 'not understood')
        if doubt is not None:
            log.info('%s on %s: %s', read.name, list_id, doubt.value)
        if read.place.forwards:
            of_list[list_id].append((read, doubt))
        else:
            log.info('%s: unrecognized, discarded', read.name)
    for list_id, some in of_list.items():
        _pass_on_of_list(list_id, some)


def _pass_on_of_list(
    list_id: str, messages: Sequence[tuple[_Read, Doubt | None]]
) -> None:
    connection = store().connection()
    waiting = connection.execute(_WAITING, {'of': list_id}).scalar_one()
    rows: dict[bytes, dict[str, Any]] = {}
    if waiting < MAX_UNRECOGNIZED:
        for read, doubt in messages:
            rows.setdefault(read.report, _unrecognized(read, doubt))
        again = {'of': list_id, 'reports': list(rows)}
        for report in connection.execute(_WAITING_AS_WELL, again).scalars().all():
            del rows[bytes(report)]
    some = list(rows.values())[: max(0, MAX_UNRECOGNIZED - waiting)]
    insert_rows(notices, some)
    log.info(
        '%s: %d messages unrecognized, %d of them to be passed on',
        list_id,
        len(messages),
        len(some),
    )


def _unrecognized(read: _Read, doubt: Doubt | None) -> dict[str, Any]:
    verdict = read.verdict
    return {
        'list_id': read.place.list_id,
        'event': 'unrecognized',
        'email': '',
        'kind': verdict.kind.value,
        'reason': (doubt or verdict.reason).value,
        'evidence': storable(verdict.evidence or read.subject)[:500],
        'half_score': 0,
        'threshold': 0,
        'report': read.report,
        'at': read.received,
    }


_OF_LIST = (notices.c.list_id == bindparam('of'), notices.c.event == 'unrecognized')
_WAITING = select(func.count()).select_from(notices).where(*_OF_LIST)
_WAITING_AS_WELL = (
    select(notices.c.report)
    .where(*_OF_LIST, notices.c.report.in_(bindparam('reports', expanding=True)))
    .distinct()
)


# -------------------------------------------------------------------- scoring


def score(
    place: Place, email: str, failure: Failure, msg: Message, *, now: datetime
) -> None:
    """Score a failure of an address as the bounce of its member on the list, today."""
    if not (
        _is_about_a_member(place, failure, email, now, now, set())
        and email.isprintable()
    ):
        return
    found = whose.find(place, email.lower())
    report = first_bytes(msg, MAX_REPORT)
    bounces = [Bounce(place, member, failure, report, now) for member in found]
    recording.record(bounces, now=now)


def _is_about_a_member(
    place: Place,
    failure: Failure,
    email: str,
    received: datetime,
    now: datetime,
    told: set[tuple[str, str, date]],
) -> bool:
    """Whether it says something about the recipient: else it is nobody's fault (R36).

    No points then, and the day's place stays free.

    :param told: What was noted before.
    """
    if failure.reason is not Reason.sender_refused:
        return True
    domain = email.rpartition('@')[2].lower()
    about = (place.list_id, f'{failure.host} {domain}', clock.today(received))
    if about not in told:
        told.add(about)
        refusals.note_sender_refused(
            place.mlist, failure, domain, day=received, now=now
        )
    return False
