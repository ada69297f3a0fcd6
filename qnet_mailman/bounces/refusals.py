# SPDX-License-Identifier: GPL-3.0-or-later
"""A provider that refuses the list says nothing about its users' addresses (R23, R36).

A provider is whose host refused, where the report names it; else the recipient's
domain.  Counted are the members whose first bounce of a day was such a refusal by it.
Where they are many enough of the list's members at the domains that it refused, a row
of `QNetRefusal` says so for list, provider and day: refusals of that day lose their
points or never get any, members who were disabled only because of them get mail again,
and one alert is written, and none on the days after while it goes on.  The same where
many small providers together refuse more than that part of the list's members: the row
is for `EVERYWHERE`.  Other bounces of these members, such as "no such user", count as
ever, on the same day, too.

A report looks for itself (`note_refusal`).  Two processes that do so at the same
moment don't see each other's rows, so `sweep` looks again every minute.

An operator who knows better says so (`count`, `withhold`); the row then keeps the
decision for that day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.member import DeliveryStatus
from mailman.interfaces.subscriptions import ISubscriptionService
from sqlalchemy import delete, func, select, update
from zope.component import getUtility

from qnet_mailman import clock, site
from qnet_mailman.bounces import discipline, ledger, providers, scoring
from qnet_mailman.bounces.ledger import bounces
from qnet_mailman.bounces.providers import (
    DELIVERS,
    EVERYWHERE,
    REASONS,
    domains_refused,
    members_at,
    refusals,
)
from qnet_mailman.bounces.reading.verdict import Failure, Kind, Reason
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import statements
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import (
    QNetBounceNotice,
    QNetSuspension,
    State,
)
from qnet_mailman.model.statements import chunks, insert_once

SENDER, RELAY = 'sender', 'relay'
"""Events of notices: our envelope sender was refused; our own mail server takes less
than the list."""
OUR_RELAY = 'our mail server'
SEVERAL = 'several providers'
"""The same in an alert."""
QUIET = timedelta(days=7)
"""How long after its last day a refusal is not told of again."""


def note_refusal(of_day: providers.Day, provider: str, domain: str) -> str | None:
    """Note one more refusal of a day; who is to be withheld, as it shows now.

    Nobody where that was decided before.

    :param of_day: Gets to know the refusal, and the decision.
    :param domain: The recipient's.
    :return: The provider, or `EVERYWHERE`.
    """
    decision = of_day.decision(provider)
    if decision:
        return None
    of_day.add(provider, domain)
    if decision is not None:
        return None
    domains = of_day.refused[provider]
    by = _who_refuses(
        of_day.list_id,
        provider,
        domains.total(),
        of_day.counted.total(),
        lambda: frozenset(domains),
    )
    if by is not None:
        of_day.withhold(by)
    return by


def _who_refuses(
    list_id: str,
    provider: str,
    refused: int,
    everywhere: int,
    domains: Callable[[], frozenset[str]],
) -> str | None:
    """Whose refusals of a day are nobody's fault: a provider's, or those of the day.

    :param refused: Members whom the provider refused.
    :param everywhere: Those of the whole list, as far as their refusals count.
    :param domains: The recipients' domains that the provider refused.
    :return: The provider, or `EVERYWHERE`; None where they are not enough.
    """
    settings = site.settings()
    least, percent = (
        settings.provider_refusal_members,
        settings.provider_refusal_percent,
    )
    if not settings.provider_refusals:
        return None
    if refused >= least and 100 * refused >= percent * members_at(list_id, domains()):
        return provider
    if everywhere >= least and 100 * everywhere > percent * members_at(list_id):
        return EVERYWHERE
    return None


# ----------------------------------------------------------------- decisions


def withhold(list_id: str, domain: str, day: date, *, now: datetime) -> int:
    """Take the points from a domain's refusals of a day, and alert (R23).

    :return: How many bounces lost their points.
    """
    first = statements.touched(
        insert_once(refusals), _row(list_id, domain, day, withheld=True, now=now)
    )
    if not first:
        _decide(list_id, domain, day, withheld=True)
    changed = _restate(list_id, domain, day, State.counted, State.withheld, now)
    if first and not _goes_on(list_id, domain, day):
        _alert(list_id, domain, day, now)
    return changed


def count(list_id: str, domain: str, day: date, *, now: datetime) -> int:
    """Give a domain's refusals of a day their points, and act on the scores.

    :return: How many bounces got their points.
    """
    first = statements.touched(
        insert_once(refusals), _row(list_id, domain, day, withheld=False, now=now)
    )
    if not first:
        _decide(list_id, domain, day, withheld=False)
    return _restate(list_id, domain, day, State.withheld, State.counted, now)


def note_sender_refused(
    mlist: Mlist, failure: Failure, domain: str, *, day: datetime, now: datetime
) -> None:
    """Tell administrators that our envelope sender was refused, once while it goes on.

    :param domain: The recipient's.
    :param day: When the report came in.
    """
    by = providers.provider(failure.host, domain, mlist.mail_host)
    _tell_once(mlist.list_id, SENDER, by, failure, day, now)


def note_relay_takes_less(mlist: Mlist, reply: str, *, now: datetime) -> None:
    """Tell administrators that our own mail server takes less than the list (R36).

    :param reply: What the mail server answered.
    """
    failure = Failure(
        None, Kind.hard, Reason.message_too_large, evidence=' '.join(reply.split())
    )
    _tell_once(mlist.list_id, RELAY, OUR_RELAY, failure, now, now)


def _tell_once(
    list_id: str, event: str, by: str, failure: Failure, at: datetime, now: datetime
) -> None:
    # The same table says for a provider's refusals that somebody was told.
    mark, day = f'{event} {by}'[:255], clock.today(at)
    values = _row(list_id, mark, day, withheld=True, now=now)
    if not statements.touched(insert_once(refusals), values):
        return
    if _goes_on(list_id, mark, day):
        return
    store().add(
        QNetBounceNotice(
            list_id=list_id,
            event=event,
            email=by,
            kind=failure.kind.value,
            reason=failure.reason.value,
            evidence=failure.evidence[:500],
            half_score=0,
            threshold=0,
            at=now,
        )
    )
    store().flush()


def _row(
    list_id: str, domain: str, day: date, *, withheld: bool, now: datetime
) -> dict[str, Any]:
    return {
        'list_id': list_id,
        'domain': domain,
        'day': day,
        'withheld': withheld,
        'at': now,
    }


def _goes_on(list_id: str, domain: str, day: date) -> bool:
    """Whether a provider has refused the list on one of the days before, too."""
    return bool(
        store().scalar(
            select(func.count())
            .select_from(refusals)
            .where(
                refusals.c.list_id == list_id,
                refusals.c.domain == domain,
                refusals.c.day.between(day - QUIET, day - timedelta(days=1)),
                refusals.c.withheld.is_(True),
            )
        )
    )


def _refused(list_id: str, domain: str, day: date) -> tuple[Any, ...]:
    """Which rows of the ledger a decision about a provider is about."""
    which = (
        bounces.c.list_id == list_id,
        bounces.c.day == day,
        bounces.c.reason.in_(REASONS),
    )
    if domain != EVERYWHERE:
        return (*which, bounces.c.provider == domain)
    # Those of whom nobody has decided by themselves.
    decided = select(refusals.c.domain).where(
        refusals.c.list_id == list_id, refusals.c.day == day
    )
    return (*which, bounces.c.provider.not_in(decided))


def _decide(list_id: str, domain: str, day: date, *, withheld: bool) -> None:
    store().execute(
        update(refusals)
        .where(
            refusals.c.list_id == list_id,
            refusals.c.domain == domain,
            refusals.c.day == day,
        )
        .values(withheld=withheld)
    )


def _restate(
    list_id: str, domain: str, day: date, old: State, new: State, now: datetime
) -> int:
    """Change the state of a day's refusals, and draw the consequences."""
    which = (*_refused(list_id, domain, day), bounces.c.state == old.value)
    # Whoever has written a row meanwhile is among those of whom it is changed.
    changed = update(bounces).where(*which).values(state=new.value)
    member_ids = list(store().scalars(changed.returning(bounces.c.member_id)))
    if not member_ids:
        return 0
    ledger.lock(member_ids)
    mlist = getUtility(IListManager).get_by_list_id(list_id)
    if mlist is None:
        return len(member_ids)
    window = scoring.window_days(mlist.bounce_info_stale_after)
    scores: dict[str, int] = dict.fromkeys(member_ids, 0)
    scores.update(ledger.half_scores(member_ids, window, clock.today(now)))
    for some in chunks(scores):
        ledger.show_scores({member_id: scores[member_id] for member_id in some})
    if new is State.withheld:
        _let_go(mlist, scores, day)
    else:
        _take(mlist, scores, now)
    return len(member_ids)


def _let_go(mlist: Mlist, scores: dict[str, int], day: date) -> None:
    """Enable those who were disabled only because of the refusals of a day."""
    begin = _begin(day)
    window = scoring.window_days(mlist.bounce_info_stale_after)
    for some in chunks(scores):
        suspensions = store().scalars(
            select(QNetSuspension).where(
                QNetSuspension.member_id.in_(some), QNetSuspension.disabled_at >= begin
            )
        )
        for suspension in suspensions.all():
            # Their scores up to then, without what does not count any more.
            half = _highest(
                suspension.member_id, window, day, clock.today(suspension.disabled_at)
            )
            if scoring.is_reached(half, mlist.bounce_score_threshold):
                continue
            member = _member(suspension.member_id)
            if (
                member is not None
                and member.preferences.delivery_status is DeliveryStatus.by_bounces
            ):
                member.preferences.delivery_status = None
            # The administrators need not hear of what is undone.
            store().execute(
                delete(QNetBounceNotice).where(
                    QNetBounceNotice.list_id == mlist.list_id,
                    QNetBounceNotice.email == suspension.email,
                    QNetBounceNotice.event == 'disabled',
                    QNetBounceNotice.at >= begin,
                )
            )
            store().delete(suspension)
    store().flush()


def _highest(member_id: str, window: int, day: date, last: date) -> int:
    """A member's highest score about a day, until another one.

    Reports may have waited for the runner: a score of any of these days can be what
    disabled the member.
    """
    first = clock.first_day(day, window)
    marks = store().execute(
        select(bounces.c.day, bounces.c.half_points).where(
            bounces.c.member_id == member_id,
            bounces.c.day.between(clock.first_day(first, window), last),
            bounces.c.state == State.counted.value,
        )
    )
    known = [(one, half) for one, half in marks]
    ends = {one for one, _half in known if one >= first}
    return max((scoring.score(known, end, window) for end in ends), default=0)


def _take(mlist: Mlist, scores: dict[str, int], now: datetime) -> None:
    """Disable those who reach the threshold now that the refusals count."""
    for member_id, half in sorted(scores.items()):
        if not scoring.is_reached(half, mlist.bounce_score_threshold):
            continue
        member = _member(member_id)
        if member is not None and may_be_disabled(member.preferences.delivery_status):
            discipline.reached(mlist, member, half, now=now)


def may_be_disabled(status: Any) -> bool:
    """Whether a member's delivery is on, so that bounces can turn it off.

    Who turned it off themselves, or was turned off by a moderator, stays that way.
    """
    return status is None or status in DELIVERS


def _member(member_id: str) -> Any:
    return getUtility(ISubscriptionService).get_member(UUID(member_id))


def _begin(day: date) -> datetime:
    """When a day of the site begins, in UTC without a zone."""
    zone: ZoneInfo = site.settings().time_zone
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    return midnight.astimezone(UTC).replace(tzinfo=None)


def _alert(list_id: str, domain: str, day: date, now: datetime) -> None:
    latest = (
        store()
        .execute(
            select(
                bounces.c.kind,
                bounces.c.reason,
                bounces.c.evidence,
                func.count().over(),
            )
            .where(*_refused(list_id, domain, day))
            .order_by(bounces.c.id.desc())
            .limit(1)
        )
        .first()
    )
    kind, reason, evidence, refused = latest or ('', '', '', 0)
    store().add(
        QNetBounceNotice(
            list_id=list_id,
            event='refused',
            # Nobody's address: the domain of who refused.
            email=SEVERAL if domain == EVERYWHERE else domain,
            kind=kind,
            reason=reason,
            evidence=f'{refused} members refused: {evidence}'[:500],
            half_score=0,
            threshold=0,
            at=now,
        )
    )
    store().flush()


# --------------------------------------------------------------------- sweep


def sweep(now: datetime) -> None:
    """Find what reports that were worked on at the same moment did not see."""
    # A sweep that fails is not tried again before its next turn.
    config.db.commit()
    # Reports may have waited for days; what is older than any window scores nothing.
    since = clock.first_day(clock.today(now), ledger.longest_window().days + 1)
    groups = (
        store()
        .execute(
            select(bounces.c.list_id, bounces.c.provider, bounces.c.day, func.count())
            .where(
                bounces.c.day >= since,
                bounces.c.reason.in_(REASONS),
                bounces.c.state == State.counted.value,
            )
            .group_by(bounces.c.list_id, bounces.c.provider, bounces.c.day)
        )
        .all()
    )
    decided = {
        (list_id, by, day): withheld
        for list_id, by, day, withheld in store().execute(
            select(
                refusals.c.list_id,
                refusals.c.domain,
                refusals.c.day,
                refusals.c.withheld,
            ).where(refusals.c.day >= since)
        )
    }
    of_list: Counter[tuple[str, date]] = Counter()
    for list_id, by, day, refused in groups:
        if decided.get((list_id, by, day)) is None:
            of_list[list_id, day] += refused
    for list_id, by, day, refused in groups:
        own = decided.get((list_id, by, day))
        of_all = decided.get((list_id, EVERYWHERE, day))
        found: str | None = None
        if own:
            found = by
        elif own is None and of_all:
            found = EVERYWHERE
        elif own is None and of_all is None:
            everywhere = of_list[list_id, day]
            domains = partial(domains_refused, list_id, by, day)
            found = _who_refuses(list_id, by, refused, everywhere, domains)
        if found is not None:
            withhold(list_id, found, day, now=now)
        config.db.commit()
