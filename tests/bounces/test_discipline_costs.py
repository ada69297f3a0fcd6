# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of many members at once: statements, batches, rounds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

from mailman.config import config
from mailman.interfaces.member import DeliveryStatus, MemberRole
from mailman.model.address import Address
from mailman.model.member import Member
from mailman.model.preferences import Preferences
from sqlalchemy import insert, select, update

from qnet_mailman.bounces import discipline
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetSuspension
from tests.bounces.rounds import steps_and_cycle
from tests.bounces.suspending import START, disable, member, suspensions
from tests.effort import effort
from tests.helpers import queued, subscribe

__all__ = ['member']


def test_nothing_is_due(mlist: Any, member: Any) -> None:
    steps_and_cycle(START)
    with effort() as spent:
        steps_and_cycle(START + timedelta(seconds=1))
    assert len(spent.statements) == 2, spent.statements


def test_many_members_disabled_behind_our_back(mlist: Any) -> None:
    _many_disabled(mlist, 250)
    discipline.reconcile(START)
    assert suspensions() == 250
    store().execute(update(Preferences).values(delivery_status=None))
    config.db.commit()
    discipline.reconcile(START)
    assert suspensions() == 0


def test_ten_thousand_suspended_members(mlist: Any) -> None:
    """Point 15: they do not slow the periodic work where nothing is due."""
    ids = _many_disabled(mlist, 10_000)
    store().execute(
        insert(QNetSuspension),
        [
            {
                'member_id': member_id,
                'list_id': mlist.list_id,
                'email': 'reader@example.net',
                'disabled_at': START,
                'warnings': 1,
                'next_step_at': START + timedelta(days=6),
            }
            for member_id in ids
        ],
    )
    config.db.commit()
    with effort() as once_a_cycle:
        steps_and_cycle(START)
    with effort() as usually:
        steps_and_cycle(START + timedelta(minutes=1))
    assert suspensions() == 10_000
    assert len(once_a_cycle.statements) <= 10
    # A hundred for each member; not one look at all of them for each.
    assert once_a_cycle.kilosteps < 1000
    assert len(usually.statements) == 2
    assert usually.kilosteps <= 1


def _many_disabled(mlist: Any, number: int) -> list[str]:
    """Many members whom somebody disabled; their ids."""
    numbers = range(1_000_000, 1_000_000 + number)
    store().execute(
        insert(Preferences),
        [{'id': n, 'delivery_status': DeliveryStatus.by_bounces} for n in numbers],
    )
    store().execute(
        Address.__table__.insert(),
        [{'id': n, 'email': f'{n}@example.net', 'display_name': ''} for n in numbers],
    )
    store().execute(
        Member.__table__.insert(),
        [
            {
                'id': n,
                '_member_id': UUID(int=n),
                'role': MemberRole.member,
                'list_id': mlist.list_id,
                'address_id': n,
                'preferences_id': n,
            }
            for n in numbers
        ],
    )
    config.db.commit()
    return [str(UUID(int=n)) for n in numbers]


def test_more_warnings_than_a_batch(mlist: Any) -> None:
    _many_disabled(mlist, 2 * discipline.BATCH + 10)
    discipline.reconcile(START)
    discipline.do_steps(START)
    assert len(queued('virgin')) == 2 * discipline.BATCH + 10
    assert store().scalars(select(QNetSuspension.warnings).distinct()).all() == [1]


def test_the_rest_waits_for_the_next_round(mlist: Any) -> None:
    for number in range(5):
        disable(mlist, subscribe(mlist, f'{number}@example.net'))
    with patch.object(discipline, 'PATIENCE', 0.0):
        discipline.do_steps(START)
    assert queued('virgin') == []
    discipline.do_steps(START)
    assert len(queued('virgin')) == 5
