# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a message at a list's bounces address (R16-R18, R22, R23).

Who bounced is what the address says to which the report came (:mod:`.whose`).  What has
no token of ours there goes where unrecognized messages go, with the reason: otherwise
anybody could disable a member by mailing a report about them.

The day of a report is that on which we received it, which LMTP writes down; not the one
on which a runner gets around to it.  So a queue file that is read again after midnight
changes nothing.

A report costs at most six statements, beside the list's row and the key, which a batch
reads once:

1. the members at the address, with their delivery and suspension; locks them, so that
   two reports for one member wait for each other;
2. the row of the ledger, or nothing where the day has one;
3. the score (and what the provider's other members got, where it refuses the list);
4. only for refusals: the members at the domain, or the row's new state;
5. Mailman's own columns;
6. what the administrators are to be told.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, date, datetime
from email.generator import BytesGenerator
from email.message import Message
from email.policy import Compat32
from io import BytesIO
from typing import Any

from mailman.interfaces.member import DeliveryStatus
from mailman.model.member import Member
from sqlalchemy import (
    Date,
    bindparam,
    case,
    func,
    insert,
    select,
    update,
)

from qnet_mailman import clock, site
from qnet_mailman.bounces import (
    discipline,
    ledger,
    providers,
    refusals,
    scoring,
    whose,
)
from qnet_mailman.bounces.reading.classify import classify, of_address
from qnet_mailman.bounces.reading.verdict import Failure, Reason, Verdict
from qnet_mailman.bounces.whose import Doubt, Found, Place
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounceNotice, State
from qnet_mailman.model.return_addresses import Verifier

MAX_REPORT = 32 * 1024
"""Bytes of a report that are kept for the administrators."""
MAX_NAMED = 50
"""Addresses of one report that are scored at most, where VERP is off."""
MAX_UNRECOGNIZED = 200
"""Unrecognized messages of one list that wait for the next notice at most."""

RECIPIENT = 'qnet_recipient'
"""Of a queue entry: the address to which LMTP was given it."""

log = logging.getLogger('mailman.bounce')

members: Any = Member.__table__
notices: Any = QNetBounceNotice.__table__


# ------------------------------------------------------------------ receiving


def read(place: Place, msg: Message) -> Verdict | None:
    """What a report says, where that depends on nothing else; writes nothing."""
    return classify(msg) if place.process_bounces and place.is_ours else None


def receive(
    place: Place,
    msg: Message,
    *,
    now: datetime,
    received_at: Any = None,
    recipient: str = '',
    verifier: Verifier | None = None,
    verdict: Verdict | None = None,
) -> None:
    """Score a report, or pass it on, or forget it.

    :param now: In UTC, without a zone.
    :param received_at: When the message came in; `now` where that is not known.
    :param recipient: To which address it came, as LMTP was told.
    :param verifier: Of tokens, kept for a batch.
    :param verdict: What it says, where it was read before.
    """
    if not place.process_bounces:
        return
    received = _naive(received_at) or now
    if not place.is_ours:
        _receive_as_stock(place, msg, now=now, received=received)
        return
    claim = whose.claimed(place, recipient, received, verifier or Verifier())
    verdict = verdict or classify(msg)
    if not _is_about_failures(place, verdict, msg, received):
        return
    found = whose.addressed(place, claim, received)
    if found is None:
        log.info('%s: bounced, and was not to a member', _name_of(msg))
    elif isinstance(found, Doubt) or whose.names_another(place, found.email, verdict):
        doubt = found if isinstance(found, Doubt) else Doubt.another
        _pass_on(place, verdict, msg, received, doubt)
    else:
        failure = of_address(verdict, found.email).failures[0]
        if _is_about_a_member(place, failure, found.email, now=now, received=received):
            post = None if found.post is None else found.post.hex()
            for member in found.members:
                _score_member(
                    place, member, failure, msg, now=now, received=received, post=post
                )


def _receive_as_stock(
    place: Place, msg: Message, *, now: datetime, received: datetime
) -> None:
    """On a list of another style, who bounced is where Mailman looks for it (R40)."""
    verp = whose.verp_address(place, msg)
    verdict = classify(msg, verp_address=verp)
    if not _is_about_failures(place, verdict, msg, received):
        return
    if verp is not None:
        score(place, [verp], verdict.failures[0], msg, now=now, received=received)
        return
    named = [one for one in verdict.failures if one.address]
    if place.verp or not named:
        _pass_on(place, verdict, msg, received)
        return
    for failure in named[:MAX_NAMED]:
        names = [failure.address or '', *failure.aliases]
        score(place, names, failure, msg, now=now, received=received)


def _is_about_failures(
    place: Place, verdict: Verdict, msg: Message, received: datetime
) -> bool:
    """Whether anybody bounced; what is not understood is passed on."""
    if verdict.failures:
        return True
    if verdict.recognized:
        log.info('%s: not a bounce: %s', _name_of(msg), verdict.reason.value)
    else:
        _pass_on(place, verdict, msg, received)
    return False


def _name_of(msg: Message) -> str:
    return str(msg.get('message-id', 'n/a')).strip()


def _naive(moment: Any) -> datetime | None:
    if not isinstance(moment, datetime):
        return None
    if moment.tzinfo is None:
        return moment
    return moment.astimezone(UTC).replace(tzinfo=None)


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
    place: Place,
    verdict: Verdict,
    msg: Message,
    at: datetime,
    doubt: Doubt | None = None,
) -> None:
    """Note a message that counts for nobody for the list's next notice.

    :param doubt: Why, where it reports a failure.
    """
    message_id = _name_of(msg)
    if doubt is not None:
        log.info('%s on %s: %s', message_id, place.list_id, doubt.value)
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
            reason=doubt or verdict.reason.value,
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
    first = names[0] if names else ''
    if not _is_about_a_member(place, failure, first, now=now, received=received):
        return False
    names = list(dict.fromkeys(one.lower() for one in names if one.isprintable()))
    scored = False
    for member in whose.find(place, names):
        scored = (
            _score_member(place, member, failure, msg, now=now, received=received)
            or scored
        )
    return scored


def _is_about_a_member(
    place: Place, failure: Failure, email: str, *, now: datetime, received: datetime
) -> bool:
    """Whether it says something about the recipient: else it is nobody's fault (R36).

    No points then, and the day's place stays free.
    """
    if failure.reason is not Reason.sender_refused:
        return True
    by = email.rpartition('@')[2].lower()
    refusals.note_sender_refused(place.mlist, failure, by, day=received, now=now)
    return False


def _score_member(
    place: Place,
    member: Found,
    failure: Failure,
    msg: Message,
    *,
    now: datetime,
    received: datetime,
    post: str | None = None,
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
        'post': post,
    }
    if not providers.record(connection, row):
        log.info(
            '%s on %s: bounced, that day or post counted already',
            member.email,
            place.list_id,
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


def _load(member: Found) -> Any:
    """Mailman's object of a member, as the database has it now."""
    return store().get(Member, member.row_id, populate_existing=True)


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
