# SPDX-License-Identifier: GPL-3.0-or-later
"""Members whom a list's threshold and window, as they are now, would not suspend (R21).

Raising the threshold is meant for those whom the old one hit, too: they get mail again
at once, and nobody is removed for a score that disables nobody any more.  Their points
stay, since nothing has shown that mail to them works (R22 is about that).

Who has no points in the ledger was not disabled by a score (Mailman had done it before
this package was there): whom no threshold suspended, none frees.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from mailman.interfaces.member import DeliveryStatus
from mailman.model.member import Member
from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from qnet_mailman import clock
from qnet_mailman.bounces import scoring
from qnet_mailman.bounces.ledger import bounces
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import audit
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetSuspension, State
from qnet_mailman.model.statements import chunks


def spared(
    list_id: str, threshold: int, window: int, now: datetime
) -> list[QNetSuspension]:
    """The suspensions of a list that would not be, by the address.

    :param threshold: In points.
    :param window: In days.
    :param now: In UTC, without a zone.
    """
    suspended = store().scalars(
        select(QNetSuspension)
        .where(QNetSuspension.list_id == list_id)
        .order_by(QNetSuspension.email)
    )
    found = []
    for some in chunks(suspended):
        kept = _suspended_by([one.member_id for one in some], threshold, window, now)
        found += [one for one in some if one.member_id not in kept]
    return found


def free(mlist: Mlist, now: datetime, *, only: str | None = None) -> list[str]:
    """Let those have mail again whom the list as it is would not have suspended.

    Does not commit.

    :param only: The member who is meant; None for all.
    :return: Their addresses.
    """
    store().flush()
    window = scoring.window_days(mlist.bounce_info_stale_after)
    rows = spared(mlist.list_id, mlist.bounce_score_threshold, window, now)
    if only is not None:
        rows = [one for one in rows if one.member_id == only]
    freed = []
    for some in chunks(rows):
        members = store().scalars(
            select(Member)
            .where(Member._member_id.in_([UUID(one.member_id) for one in some]))
            .options(joinedload(Member.preferences))
            .order_by(Member.id)
            .with_for_update(of=Member)
        )
        emails = {one.member_id: one.email for one in some}
        for member in members:
            if member.preferences.delivery_status is DeliveryStatus.by_bounces:
                email = emails[str(member.member_id)]
                member.preferences.delivery_status = None
                member.total_warnings_sent = 0
                audit.record(audit.Action.delivery_enabled, mlist.list_id, email)
                freed.append(email)
        store().execute(
            delete(QNetSuspension).where(QNetSuspension.member_id.in_(emails))
        )
    return freed


def _suspended_by(
    member_ids: Sequence[str], threshold: int, window: int, now: datetime
) -> set[str]:
    """Those whose score reaches a threshold on some day, or who have no points."""
    marks: defaultdict[str, list[tuple[date, int]]] = defaultdict(list)
    for member_id, day, half in store().execute(
        select(bounces.c.member_id, bounces.c.day, bounces.c.half_points).where(
            bounces.c.member_id.in_(member_ids),
            bounces.c.day <= clock.today(now),
            bounces.c.state == State.counted.value,
        )
    ):
        marks[member_id].append((day, half))
    return {
        member_id
        for member_id in member_ids
        if not marks[member_id]
        or any(
            scoring.is_reached(scoring.score(marks[member_id], day, window), threshold)
            for day, _half in marks[member_id]
        )
    }
