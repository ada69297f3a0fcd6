# SPDX-License-Identifier: GPL-3.0-or-later
"""The bounce ledger: one row for a member and day, and what is added up from it.

What makes "at most once per calendar day" (R17) true is the unique constraint on
member and day: a row is inserted or it is there already, and whoever inserted it goes
on.  So a report may be read twice, by two processes, or again after a process was
killed: nothing but its first reading has an effect.

Every function works in Mailman's session and leaves the commit to its caller, except
`prune`, which commits each of its batches.

Mailman's own columns (`member.bounce_score`, `last_bounce_received`) are written for
Postorius to show, never read: somebody who edits them changes no score.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from mailman.config import config
from mailman.model.mailinglist import MailingList
from mailman.model.member import Member
from sqlalchemy import (
    Date,
    bindparam,
    delete,
    func,
    or_,
    select,
    update,
)

from qnet_mailman import clock, site
from qnet_mailman.bounces import scoring
from qnet_mailman.clock import today
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounce, State
from qnet_mailman.model.lists import QNetList
from qnet_mailman.model.statements import chunks, touched

PRUNE_BATCH = 1000
"""Rows that are deleted in one transaction."""

bounces: Any = QNetBounce.__table__
members: Any = Member.__table__


# ------------------------------------------------------------------- scores


def half_score(member_id: str, window_days: int, today: date) -> int:
    """A member's score in half-points (R18)."""
    return half_scores([member_id], window_days, today).get(member_id, 0)


def half_scores(
    member_ids: Sequence[str], window_days: int, today: date
) -> dict[str, int]:
    """The scores of members of one list; those without points are missing."""
    found: dict[str, int] = {}
    for some in chunks(member_ids):
        rows = store().execute(
            select(bounces.c.member_id, func.sum(bounces.c.half_points))
            .where(
                bounces.c.member_id.in_(some),
                bounces.c.day.between(clock.first_day(today, window_days), today),
                bounces.c.state == State.counted.value,
            )
            .group_by(bounces.c.member_id)
        )
        found.update({member_id: int(total) for member_id, total in rows})
    return found


@dataclass
class Known:
    """What the ledger has of a member.

    :ivar states: Of the days that have a bounce.
    :ivar posts: Those that bounced; of other days, too, where they were asked for.
    :ivar marks: The days that count.
    """

    states: dict[date, str] = field(default_factory=dict)
    posts: set[str] = field(default_factory=set)
    marks: list[scoring.Mark] = field(default_factory=list)


def known(
    member_ids: Sequence[str], posts: Sequence[str], first: date, last: date
) -> defaultdict[str, Known]:
    """What the ledger has of some members: some days, and some posts on any day."""
    found: defaultdict[str, Known] = defaultdict(Known)
    rows = (
        store()
        .connection()
        .execute(
            _KNOWN,
            {
                'members': list(member_ids),
                'posts': list(posts),
                'first': first,
                'last': last,
            },
        )
    )
    for member_id, day, half_points, state, post in rows:
        of_member = found[member_id]
        of_member.states[day] = state
        if post is not None:
            of_member.posts.add(post)
        if state == State.counted.value and first <= day <= last:
            of_member.marks.append((day, half_points))
    return found


_KNOWN = select(
    bounces.c.member_id,
    bounces.c.day,
    bounces.c.half_points,
    bounces.c.state,
    bounces.c.post,
).where(
    bounces.c.member_id.in_(bindparam('members', expanding=True)),
    or_(
        bounces.c.day.between(bindparam('first', type_=Date), bindparam('last')),
        bounces.c.post.in_(bindparam('posts', expanding=True)),
    ),
)


def last(member_id: str) -> QNetBounce | None:
    """A member's last bounce; None where there is none."""
    return store().scalar(
        select(QNetBounce)
        .where(QNetBounce.member_id == member_id)
        .order_by(QNetBounce.day.desc())
        .limit(1)
    )


def clear(member_id: str) -> None:
    """Let a member start again from zero (R22).

    The rows stay to be seen, without counting.  Today's stays too: a score rises at
    most once a day, so the member's next point is tomorrow's.
    """
    store().execute(
        update(bounces)
        .where(bounces.c.member_id == member_id, bounces.c.state == State.counted.value)
        .values(state=State.cleared.value)
    )
    show_scores({member_id: 0})


def lock(member_ids: Sequence[str]) -> None:
    """Wait for whoever is writing down bounces of members, and keep others out.

    What is added up before that lacks what they write, and would then be shown.
    """
    for some in chunks(member_ids):
        store().execute(
            select(members.c.id)
            .where(members.c._member_id.in_([UUID(one) for one in some]))
            .order_by(members.c.id)
            .with_for_update()
        )


def show_scores(half_scores: dict[str, int]) -> None:
    """Let Mailman's columns show these scores: whole points, half a point is not."""
    if not half_scores:
        return
    store().flush()
    store().execute(
        update(members)
        .where(members.c._member_id == bindparam('member'))
        .values(bounce_score=bindparam('shown')),
        [
            {'member': member_id, 'shown': scoring.whole_points(half)}
            for member_id, half in half_scores.items()
        ],
    )
    # Objects that somebody holds read the columns anew.
    for thing in store().identity_map.values():
        if isinstance(thing, Member):
            store().expire(thing, ['bounce_score', 'last_bounce_received'])


# ------------------------------------------------------------- periodic work


def longest_window() -> timedelta:
    """The longest window of any list; a day where there is no list."""
    longest = store().scalar(select(func.max(MailingList.bounce_info_stale_after)))
    return max(longest or timedelta(0), timedelta(days=1))


def prune(now: datetime) -> int:
    """Remove what is older than the site's lifetime, and than any list's window.

    :return: How many rows.
    """
    config.db.commit()
    lifetime = max(site.settings().bounce_ledger_lifetime, longest_window())
    oldest = clock.first_day(today(now), lifetime.days + 1)
    removed = 0
    while True:
        some = select(bounces.c.id).where(bounces.c.day < oldest).limit(PRUNE_BATCH)
        gone = touched(delete(bounces).where(bounces.c.id.in_(some)))
        config.db.commit()
        removed += gone
        if gone < PRUNE_BATCH:
            return removed


def refresh(now: datetime) -> None:
    """Let Mailman's columns follow the windows as they slide.  Commits."""
    config.db.commit()
    for list_id, window in (
        store()
        .execute(
            select(MailingList._list_id, MailingList.bounce_info_stale_after).where(
                MailingList._list_id.in_(
                    select(members.c.list_id)
                    .where(
                        members.c.bounce_score > 0,
                        members.c.list_id.in_(select(QNetList.list_id)),
                    )
                    .distinct()
                )
            )
        )
        .all()
    ):
        shown = {
            str(member_id): score
            for member_id, score in store().execute(
                select(members.c._member_id, members.c.bounce_score).where(
                    members.c.list_id == list_id, members.c.bounce_score > 0
                )
            )
        }
        real = half_scores(list(shown), scoring.window_days(window), today(now))
        wrong = {
            member_id: real.get(member_id, 0)
            for member_id, score in shown.items()
            if scoring.whole_points(real.get(member_id, 0)) != score
        }
        for some in chunks(wrong):
            show_scores({member_id: wrong[member_id] for member_id in some})
            config.db.commit()
