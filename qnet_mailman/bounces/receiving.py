# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a message at a list's bounces address (R16-R18, R22, R23).

Who bounced is what our own envelope sender (VERP) says, where it says anything.  On a
list whose messages all have such a sender (the default) nobody else is scored: a report
that only names people in its text goes where unrecognized messages go.  Otherwise any
member could disable another by mailing a report about them.

What remains possible: the address is not signed, so somebody who knows a member's
address and the list's can write to ``LIST-bounces+member=example.net@...`` and forge a
report.  It scores at most one point a day, and a member needs five days of that (at the
defaults) and three more weeks to be removed; warnings and the administrators' notices,
which have the report attached, come before.  Where VERP is off (Mailman's
``verp_delivery_interval: 0`` and no personalization), knowing the address is enough for
a report to the plain bounces address, with many members in one message.

The day of a report is that on which we received it, which LMTP writes down; not the one
on which a runner gets around to it.  So a queue file that is read again after midnight
changes nothing.

A report costs at most six statements:

1. the members at the address, with their delivery and suspension; locks them, so that
   two reports for one member wait for each other;
2. the row of the ledger, or nothing where the day has one;
3. the score (and what the provider's other members got, where it refuses the list);
4. only for refusals: the members at the domain, or the row's new state;
5. Mailman's own columns;
6. what the administrators are to be told.
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.generator import BytesGenerator
from email.message import Message
from email.policy import Compat32
from email.utils import parseaddr
from io import BytesIO
from typing import Any

from lazr.config import as_boolean
from mailman.app.bounces import ProbeVERP
from mailman.config import config
from mailman.interfaces.bounce import UnrecognizedBounceDisposition
from mailman.interfaces.mailinglist import Personalization
from mailman.interfaces.member import DeliveryStatus, MemberRole
from mailman.model.address import Address
from mailman.model.member import Member
from mailman.model.preferences import Preferences
from mailman.model.user import User
from sqlalchemy import (
    Date,
    String,
    and_,
    bindparam,
    case,
    func,
    insert,
    literal,
    null,
    select,
    union,
    update,
)

from qnet_mailman import clock, site
from qnet_mailman.bounces import discipline, ledger, providers, refusals, scoring
from qnet_mailman.bounces.reading.classify import classify
from qnet_mailman.bounces.reading.verdict import Failure, Reason, Verdict
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounceNotice, QNetSuspension, State

MAX_REPORT = 32 * 1024
"""Bytes of a report that are kept for the administrators."""
MAX_NAMED = 50
"""Addresses of one report that are scored at most, where VERP is off."""
MAX_UNRECOGNIZED = 200
"""Unrecognized messages of one list that wait for the next notice at most."""

VERP_FIELDS = (
    'delivered-to',
    'x-original-to',
    'envelope-to',
    'to',
    'apparently-to',
)
"""Where the address is to which a report was sent.  Our own mail server's fields come
first: the report's sender writes the others."""

log = logging.getLogger('mailman.bounce')

members: Any = Member.__table__
addresses: Any = Address.__table__
users: Any = User.__table__
preferences: Any = Preferences.__table__
suspensions: Any = QNetSuspension.__table__
notices: Any = QNetBounceNotice.__table__


@dataclass(frozen=True)
class Place:
    """What receiving needs to know of a list, read once for many reports."""

    mlist: Any
    list_id: str
    bounces_local: str
    process_bounces: bool
    forwards: bool
    threshold: int
    """In points."""
    window: int
    """In days."""
    verp: bool
    """Whether every message of the list has its recipient in its envelope sender."""

    @classmethod
    def of(cls, mlist: Any) -> Place:
        """The place of a list."""
        return cls(
            mlist=mlist,
            list_id=mlist.list_id,
            bounces_local=mlist.bounces_address.partition('@')[0].lower(),
            process_bounces=bool(mlist.process_bounces),
            forwards=mlist.forward_unrecognized_bounces_to
            is not UnrecognizedBounceDisposition.discard,
            threshold=mlist.bounce_score_threshold,
            window=scoring.window_days(mlist.bounce_info_stale_after),
            verp=_uses_verp(mlist),
        )


def _uses_verp(mlist: Any) -> bool:
    # As the outgoing runner decides, but for lists that use it now and then: their
    # addresses are found when a message with it bounces.
    if mlist.personalize is not Personalization.none:
        return bool(as_boolean(config.mta.verp_personalized_deliveries))
    return int(config.mta.verp_delivery_interval) > 0


@dataclass(frozen=True)
class _Member:
    row_id: int
    member_id: str
    email: str
    status: Any
    suspended: bool


# ------------------------------------------------------------------ receiving


def receive(
    place: Place, msg: Message, *, now: datetime, received_at: Any = None
) -> None:
    """Score a report, or pass it on, or forget it.

    :param now: In UTC, without a zone.
    :param received_at: When the message came in; `now` where that is not known.
    """
    if not place.process_bounces:
        return
    received = _naive(received_at) or now
    verp = verp_address(place, msg)
    verdict = classify(msg, verp_address=verp)
    message_id = str(msg.get('message-id', 'n/a')).strip()
    if not verdict.failures:
        if verdict.recognized:
            log.info('%s: not a bounce: %s', message_id, verdict.reason.value)
        else:
            _pass_on(place, verdict, msg, message_id, received)
        return
    if verp is not None:
        score(place, [verp], verdict.failures[0], msg, now=now, received=received)
        return
    named = [one for one in verdict.failures if one.address]
    if place.verp or not named:
        _pass_on(place, verdict, msg, message_id, received)
        return
    for failure in named[:MAX_NAMED]:
        names = [failure.address or '', *failure.aliases]
        score(place, names, failure, msg, now=now, received=received)


def _naive(moment: Any) -> datetime | None:
    if not isinstance(moment, datetime):
        return None
    if moment.tzinfo is None:
        return moment
    return moment.astimezone(UTC).replace(tzinfo=None)


@functools.lru_cache(maxsize=8)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def verp_address(place: Place, msg: Message) -> str | None:
    """The address that our envelope sender named, in lower case; None if none.

    Or that of a probe which Mailman sent before this package was there.
    """
    for name in VERP_FIELDS:
        for value in msg.get_all(name, [])[:20]:
            address = parseaddr(str(value))[1]
            match = _pattern(config.mta.verp_regexp).search(address)
            if match is None or match['bounces'].lower() != place.bounces_local:
                continue
            # A domain has no "=", a local part may have.
            local, _, domain = f'{match["local"]}={match["domain"]}'.rpartition('=')
            found = f'{local}@{domain}'.lower()
            if found.isprintable() and len(found) <= 320:
                return found
    for name in VERP_FIELDS:
        for value in msg.get_all(name, [])[:20]:
            address = parseaddr(str(value))[1]
            match = _pattern(config.mta.verp_probe_regexp).search(address)
            if match is not None and match['bounces'].lower() == place.bounces_local:
                return next(iter(ProbeVERP().get_verp(place.mlist, msg)), None)
    return None


def first_bytes(msg: Message) -> bytes:
    """The first 32 KB of a message as it came; nothing where it can't be written."""
    stream = _Limited()
    try:
        BytesGenerator(stream, mangle_from_=False, policy=_AS_IT_CAME).flatten(msg)
    except _Full:
        pass
    except Exception:
        # Python's generator raises all kinds of errors at messages that its own
        # parser took.
        log.info('A report cannot be written down', exc_info=True)
    return stream.getvalue()[:MAX_REPORT]


class _AsItCame(Compat32):
    """Writes header fields as they were read, without folding them anew."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        """See `email.policy.Policy`."""
        if not isinstance(value, str):
            return super().fold_binary(name, value)
        return f'{name}: {value}{self.linesep}'.encode('utf-8', 'surrogateescape')


_AS_IT_CAME = _AsItCame()


class _Full(Exception):
    """Enough was written."""


class _Limited(BytesIO):
    def write(self, data: Any, /) -> int:
        if self.tell() > MAX_REPORT:
            raise _Full
        return super().write(data)


def _pass_on(
    place: Place, verdict: Verdict, msg: Message, message_id: str, at: datetime
) -> None:
    """Note an unrecognized message for the list's next notice."""
    if not place.forwards:
        log.info('%s: unrecognized, discarded', message_id)
        return
    report = first_bytes(msg)
    waiting, again = (
        store()
        .execute(
            select(
                func.count(),
                func.max(case((notices.c.report == report, 1), else_=0)),
            ).where(
                notices.c.list_id == place.list_id, notices.c.event == 'unrecognized'
            )
        )
        .one()
    )
    if again or waiting >= MAX_UNRECOGNIZED:
        log.info('%s: unrecognized, not passed on again', message_id)
        return
    subject = storable(str(msg.get('subject', '')))
    store().execute(
        insert(notices).values(
            list_id=place.list_id,
            event='unrecognized',
            email='',
            kind=verdict.kind.value,
            reason=verdict.reason.value,
            evidence=storable(verdict.evidence or subject)[:500],
            half_score=0,
            threshold=0,
            report=report,
            at=at,
        )
    )
    log.info('%s: unrecognized, to be passed on', message_id)


def storable(text: str) -> str:
    """Text that PostgreSQL takes: without NUL and lone surrogates."""
    clean = text.encode('utf-8', 'surrogateescape').decode('utf-8', 'replace')
    return clean.replace('\0', '')


# -------------------------------------------------------------------- scoring


def score(
    place: Place,
    names: Sequence[str],
    failure: Failure,
    msg: Message,
    *,
    now: datetime,
    received: datetime,
) -> bool:
    """Score a failure of an address as the bounce of its member on the list.

    :param names: The address, and others that the report gives for it.
    :param received: When the report came in, which decides about the day (R17).
    :return: Whether a member was scored: False where the address is nobody's, and
        where the day has its bounce already.
    """
    if failure.reason is Reason.sender_refused:
        # Nobody's fault: no points, and the day's place stays free (R36).
        by = (names[0] if names else '').rpartition('@')[2].lower()
        refusals.note_sender_refused(place.mlist, failure, by, day=received, now=now)
        return False
    names = list(dict.fromkeys(one.lower() for one in names if one.isprintable()))
    scored = False
    for member in _find(place, names):
        scored = (
            _score_member(place, member, failure, msg, now=now, received=received)
            or scored
        )
    return scored


def _find(place: Place, names: list[str]) -> list[_Member]:
    """The members that an address is, whether they, or it, are subscribed (R22)."""
    session = store()
    session.flush()
    rows = session.connection().execute(
        _member_query(), {'names': names, 'list_id': place.list_id}
    )
    return [
        _Member(row_id, str(member_id), email, status, suspended is not None)
        for row_id, member_id, email, status, suspended in rows.all()
    ]


@functools.cache
def _member_query() -> Any:
    named = addresses.c.email.in_(bindparam('names', expanding=True))
    here = and_(
        members.c.list_id == bindparam('list_id'), members.c.role == MemberRole.member
    )
    found = union(
        select(members.c.id)
        .join(addresses, addresses.c.id == members.c.address_id)
        .where(named, here),
        select(members.c.id)
        .join(users, users.c.id == members.c.user_id)
        .join(addresses, addresses.c.id == users.c[_PREFERRED])
        .where(named, here, members.c.address_id.is_(null())),
    ).subquery()
    return (
        select(
            members.c.id,
            members.c._member_id,
            addresses.c.email,
            preferences.c.delivery_status,
            suspensions.c.id,
        )
        .select_from(members)
        .outerjoin(users, users.c.id == members.c.user_id)
        .join(
            addresses,
            addresses.c.id == func.coalesce(members.c.address_id, users.c[_PREFERRED]),
        )
        .join(preferences, preferences.c.id == members.c.preferences_id)
        .outerjoin(
            suspensions, suspensions.c.member_id == _as_text(members.c._member_id)
        )
        .where(members.c.id.in_(select(found.c.id)))
        .order_by(members.c.id)
        .with_for_update(of=members)
    )


def _score_member(
    place: Place,
    member: _Member,
    failure: Failure,
    msg: Message,
    *,
    now: datetime,
    received: datetime,
) -> bool:
    if member.suspended and member.status is not DeliveryStatus.by_bounces:
        discipline.settle(place.mlist, _load(member))
        store().flush()
    connection = store().connection()
    zone = site.settings().time_zone
    day = clock.day_of(received, zone)
    last = max(day, clock.day_of(now, zone))
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
        'received_at': received,
    }
    if not providers.record(connection, row):
        log.info(
            '%s on %s: bounced, counted that day already', member.email, place.list_id
        )
        return False
    current, half, withheld = _half_scores(connection, place, row, last, failure, now)
    connection.execute(
        _COLUMNS,
        {'row': member.row_id, 'whole': scoring.whole_points(current), 'at': received},
    )
    report = first_bytes(msg)
    connection.execute(
        insert(notices),
        {
            'list_id': place.list_id,
            'event': 'bounced',
            'email': member.email,
            'kind': row['kind'],
            'reason': row['reason'],
            'evidence': row['evidence'],
            'half_score': half,
            'threshold': place.threshold,
            'report': report,
            'at': received,
        },
    )
    log.info(
        '%s on %s: %s bounce (%s)%s, score %s of %s',
        member.email,
        place.list_id,
        row['kind'],
        row['reason'],
        ', withheld' if withheld else '',
        scoring.shown(half),
        place.threshold,
    )
    if not withheld and scoring.is_reached(half, place.threshold):
        status = member.status
        if refusals.may_be_disabled(status):
            discipline.reached(place.mlist, _load(member), half, now=now, report=report)
    return True


def _half_scores(
    connection: Any,
    place: Place,
    row: dict[str, Any],
    last: date,
    failure: Failure,
    now: datetime,
) -> tuple[int, int, bool]:
    """The scores with a new row, and whether the row was withheld (R23).

    :return: Today's score; that which counts, another one where the report is late;
        and whether the row gets no points.
    """
    day = row['day']
    first = clock.first_day(last, place.window)
    parameters = {'member_id': row['member_id'], 'first': first, 'last': last}
    if not failure.reason.refuses_the_list or not site.settings().provider_refusals:
        score = int(connection.execute(_SCORE, parameters).scalar() or 0)
        return score, _late(connection, place, row, last, score), False
    about = {'list_id': place.list_id, 'provider': row['provider'], 'day': day}
    total, known, refused, everywhere = connection.execute(
        _SCORE_OF_REFUSAL, parameters | about
    ).one()
    score = int(total or 0)
    without = score - (row['half_points'] if day >= first else 0)
    if known:
        connection.execute(_WITHHOLD, {'member': row['member_id'], 'of': day})
        return without, without, True
    if known is None and refusals.is_withheld(
        place.list_id, row['provider'], day, refused, everywhere, now=now
    ):
        return without, without, True
    return score, _late(connection, place, row, last, score), False


def _late(
    connection: Any, place: Place, row: dict[str, Any], last: date, score: int
) -> int:
    """The score that counts for a report that waited in the queue for days."""
    if row['day'] == last:
        return score
    marks = connection.execute(
        select(ledger.bounces.c.day, ledger.bounces.c.half_points).where(
            ledger.bounces.c.member_id == row['member_id'],
            ledger.bounces.c.day.between(
                clock.first_day(row['day'], place.window), last
            ),
            ledger.bounces.c.state == State.counted.value,
        )
    )
    return scoring.peak(
        ((day, half) for day, half in marks), row['day'], last, place.window
    )


def _load(member: _Member) -> Any:
    """Mailman's object of a member, as the database has it now."""
    return store().get(Member, member.row_id, populate_existing=True)


_PREFERRED = User._preferred_address_id.property.columns[0].name


def _as_text(member_id: Any) -> Any:
    """A member's id as our tables have it: lower case, with hyphens.

    PostgreSQL has a type for it; in SQLite it is 32 hexadecimal digits.
    """
    if config.db.engine.dialect.name == 'postgresql':
        return func.cast(member_id, String)
    digits = func.cast(member_id, String)
    ends = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    parts = [func.substr(digits, begin, length) for begin, length in ends]
    text: Any = parts[0]
    for part in parts[1:]:
        text = text + literal('-') + part
    return text


_SCORE = select(func.sum(ledger.bounces.c.half_points)).where(
    ledger.bounces.c.member_id == bindparam('member_id'),
    ledger.bounces.c.day.between(bindparam('first', type_=Date), bindparam('last')),
    ledger.bounces.c.state == State.counted.value,
)

_SCORE_OF_REFUSAL = select(
    _SCORE.scalar_subquery(),
    *providers.about_a_day(
        bindparam('list_id'), bindparam('provider'), bindparam('day', type_=Date)
    ),
)

_WITHHOLD = (
    update(ledger.bounces)
    .where(
        ledger.bounces.c.member_id == bindparam('member'),
        ledger.bounces.c.day == bindparam('of'),
    )
    .values(state=State.withheld.value)
)

_COLUMNS = (
    update(members)
    .where(members.c.id == bindparam('row'))
    .values(bounce_score=bindparam('whole'), last_bounce_received=bindparam('at'))
)
