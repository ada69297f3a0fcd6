# SPDX-License-Identifier: GPL-3.0-or-later
"""What the command and task runners do beside Mailman's work."""

from __future__ import annotations

from typing import Any

import pytest
from mailman.config import config
from mailman.utilities.datetime import now
from sqlalchemy import func, select

from qnet_mailman.model import limits
from qnet_mailman.model.base import store
from qnet_mailman.model.jobs import do_due
from qnet_mailman.model.subscriptions import QNetLimit
from qnet_mailman.runners import periodic, task
from qnet_mailman.subscriptions import sign_up
from tests.clock import Clock
from tests.effort import effort
from tests.helpers import queued, run


def limits_kept() -> int:
    return store().scalar(select(func.count()).select_from(QNetLimit))


def test_limits_of_days_that_are_over_go(core: Any, clock: Clock) -> None:
    assert limits.allowed('x', 'reader@example.net', 1, limits.HOUR)
    config.db.commit()
    task.TaskRunner('task')._do_periodic()
    assert limits_kept() == 1
    clock.forward(hours=2)
    task.TaskRunner('task')._do_periodic()
    # It was committed.
    config.db.abort()
    assert limits_kept() == 0


def test_a_minute_in_which_nothing_happens_only_reads(core: Any, clock: Clock) -> None:
    do_due(periodic.tasks(), now())
    clock.forward(minutes=1)
    with effort() as spent:
        do_due(periodic.tasks(), now())
    assert {each.split()[0] for each in spent.statements} == {'SELECT'}
    assert len(spent.statements) <= 9, spent.statements


def test_a_request_of_the_sign_up_page_belongs_to_no_list(make_list: Any) -> None:
    mlist = make_list()
    sign_up.queue(
        sign_up.Request(
            address='reader@example.net',
            display_name='',
            list_ids=(mlist.list_id,),
            asked_at=now(),
        )
    )
    run('command')
    assert not queued('shunt')
    ((mail, _),) = queued('virgin')
    assert mail['to'] == 'reader@example.net'


def test_one_that_cannot_be_worked_off_is_shunted(
    make_list: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(request: Any) -> None:
        raise KeyError('a bug')

    monkeypatch.setattr(sign_up, 'take', fail)
    list_id = make_list().list_id
    sign_up.queue(sign_up.Request('reader@example.net', '', (list_id,), now()))
    run('command')
    assert len(queued('shunt')) == 1
