# SPDX-License-Identifier: GPL-3.0-or-later
"""Members whose delivery is stopped, and what they are sent then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from mailman.config import config
from sqlalchemy import func, select

from qnet_mailman import clock
from qnet_mailman.bounces import discipline
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounce, QNetSuspension
from tests.bounces.rounds import steps_and_cycle
from tests.helpers import queued, subscribe

START = datetime(2026, 1, 5, 15, 30)
WARNING = 'Messages of HQR Updates do not reach you'
GOODBYE = 'Your subscription to HQR Updates has ended'


def bounce(member: Any, at: datetime, half_points: int = 2) -> None:
    """A row of the ledger, as scoring writes it."""
    store().add(
        QNetBounce(
            member_id=str(member.member_id),
            list_id=member.list_id,
            email=member.address.email,
            domain=member.address.email.partition('@')[2],
            day=clock.today(at),
            half_points=half_points,
            kind='hard',
            reason='address unknown',
            status='5.1.1',
            evidence='550 5.1.1 <reader@example.net>: user unknown',
            received_at=at,
        )
    )


def disable(mlist: Any, member: Any, at: datetime = START) -> None:
    """Five hard bounces, the last of them now."""
    for days in range(5):
        bounce(member, at - timedelta(days=days))
    discipline.reached(mlist, member, 10, now=at)
    config.db.commit()


def suspensions() -> int:
    return store().scalar(select(func.count(QNetSuspension.id))) or 0


class Outbox:
    """What went to one address, by the day on which it did."""

    def __init__(self, address: str = 'reader@example.net') -> None:
        self.address = address
        self._seen: set[str] = set()

    def new(self) -> list[Any]:
        found = [
            msg
            for msg, data in queued('virgin')
            if self.address in data['recipients']
            and msg['message-id'] not in self._seen
        ]
        self._seen |= {msg['message-id'] for msg in found}
        return found

    def subjects(self) -> list[str]:
        return [str(msg['subject']) for msg in self.new()]


def live(
    days: Callable[[int], bool] = lambda day: True, until: int = 40, start: Any = START
) -> dict[int, list[str]]:
    """Run the periodic work once a day; which e-mail came on which day."""
    outbox = Outbox()
    found = {}
    for day in range(until):
        if days(day):
            steps_and_cycle(start + timedelta(days=day, seconds=day))
            if subjects := outbox.subjects():
                found[day] = subjects
    return found


@pytest.fixture
def member(mlist: Any) -> Any:
    found = subscribe(mlist, 'reader@example.net')
    config.db.commit()
    return found
