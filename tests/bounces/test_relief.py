# SPDX-License-Identifier: GPL-3.0-or-later
"""A threshold that is raised frees whom the new one would not have suspended (R21)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from mailman.config import config
from mailman.interfaces.member import DeliveryStatus
from sqlalchemy import select

from qnet_mailman.bounces import discipline, relief
from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetSuspension
from qnet_mailman.provisioning.apply import apply_form
from qnet_mailman.runners.bounce import BounceRunner
from tests.bounces.reports import UNKNOWN, received, report
from tests.clock import Clock
from tests.helpers import subscribe
from tests.provisioning.test_threshold_change import form

TWICE, ONCE = 'twice@example.net', 'once@example.net'


@pytest.fixture
def mlist(make_list: Any, clock: Clock) -> Any:
    """A list that suspended two members at 5 points; one has 6, the other 5."""
    mlist = make_list()
    subscribe(mlist, TWICE)
    subscribe(mlist, ONCE)
    config.db.commit()
    runner = BounceRunner('bounces')
    for day in range(6):
        for email in (TWICE, ONCE)[: 1 if day == 0 else 2]:
            msg = report(mlist, email, UNKNOWN, serial=f'{day}-{email}')
            runner._dispose(mlist, msg, received(msg))
        config.db.commit()
        clock.moment += timedelta(days=1)
    assert disabled(mlist) == [ONCE, TWICE]
    return mlist


def disabled(mlist: Any) -> list[str]:
    store().expire_all()
    stopped = [
        email
        for email in (ONCE, TWICE)
        if mlist.members.get_member(email).preferences.delivery_status
        is DeliveryStatus.by_bounces
    ]
    suspended = sorted(store().scalars(select(QNetSuspension.email)))
    assert suspended == stopped
    return stopped


def change(mlist: Any, *, dry_run: bool = False, **bounces: int) -> Any:
    asked = form(list=mlist.fqdn_listname, bounces=bounces)
    return apply_form(asked, actor='tester', dry_run=dry_run, approved=True)


def test_the_form_says_whom_it_frees_and_does(mlist: Any) -> None:
    said = change(mlist, dry_run=True, threshold=6)
    [note] = [one for one in said.notes if 'delivery' in one]
    assert ONCE in note
    assert TWICE not in note
    assert disabled(mlist) == [ONCE, TWICE]
    assert change(mlist, threshold=6).outcome == 'changed'
    assert disabled(mlist) == [TWICE]
    # Their points are still there: nothing has shown that mail works again.
    assert mlist.members.get_member(ONCE).bounce_score == 5
    told = select(QNetAudit.subject).where(QNetAudit.action == 'delivery enabled')
    assert list(store().scalars(told)) == [ONCE]


def test_threshold_and_window_are_looked_at_together(mlist: Any) -> None:
    # Each alone leaves somebody suspended: a window of a day has one point at most.
    change(mlist, threshold=6, window_days=1)
    assert disabled(mlist) == []


def test_a_lower_threshold_frees_nobody(mlist: Any) -> None:
    assert not [one for one in change(mlist, threshold=2).notes if 'delivery' in one]
    assert disabled(mlist) == [ONCE, TWICE]


def test_the_command_frees_them_too(mlist: Any) -> None:
    done = CliRunner().invoke(qnet, ['set', mlist.fqdn_listname, 'threshold=7'])
    assert done.exit_code == 0, done.output
    assert f'{ONCE}: gets mail again' in done.output
    assert disabled(mlist) == []


def test_the_removal_asks_the_same(mlist: Any, clock: Clock) -> None:
    # Behind our back, as in Mailman's own REST.
    mlist.bounce_score_threshold = 6
    store().query(QNetSuspension).update({'warnings': 3})
    config.db.commit()
    discipline.do_steps(clock.moment)
    store().expire_all()
    assert mlist.members.get_member(TWICE) is None
    assert mlist.members.get_member(ONCE).preferences.delivery_status is None


def test_who_was_disabled_before_us_is_not_freed(mlist: Any, clock: Clock) -> None:
    subscribe(mlist, 'old@example.net')
    member = mlist.members.get_member('old@example.net')
    member.preferences.delivery_status = DeliveryStatus.by_bounces
    discipline.reconcile(clock.moment)
    mlist.bounce_score_threshold = 100
    assert sorted(relief.free(mlist, clock.moment)) == [ONCE, TWICE]
    assert list(store().scalars(select(QNetSuspension.email))) == ['old@example.net']
