# SPDX-License-Identifier: GPL-3.0-or-later
"""What bringing rosters up to date costs (R25)."""

from __future__ import annotations

from types import SimpleNamespace

from mailman.utilities.datetime import now

from qnet_mailman.model import bulk
from qnet_mailman.model.people import QNetAssignment
from qnet_mailman.roles import projection
from tests.effort import effort

PERSON = 'pat@example.org'


def test_other_lists_of_the_person_cost_nothing(core: SimpleNamespace) -> None:
    others = ((f'other-{number}.example.org', PERSON) for number in range(2000))
    bulk.write(
        QNetAssignment.__table__,
        ('list_id', 'email'),
        others,
        role='administrator',
        created_at=now(),
    )
    core.config.db.commit()
    with effort() as spent:
        projection.project([('one.example.org', PERSON)])
    assert len(spent.statements) < 8
    # Two thousand rows would be tens of these.
    assert spent.kilosteps < 3


def test_a_transaction_locks_once(core: SimpleNamespace) -> None:
    for _ in range(2):
        with effort() as spent:
            projection.lock()
            projection.lock()
        assert len(spent.statements) == 1
        core.config.db.commit()
    projection.lock()
    core.config.db.abort()
    with effort() as spent:
        projection.lock()
    assert len(spent.statements) == 1
    core.config.db.commit()
