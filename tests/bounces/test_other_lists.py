# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounces on lists of other styles: Mailman's scores, or ours if a site wants (R40)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from mailman.app.bounces import StandardVERP
from mailman.config import config
from mailman.interfaces.bounce import IBounceProcessor
from mailman.interfaces.member import DeliveryStatus
from sqlalchemy import func, select
from zope.component import getUtility

from qnet_mailman.bounces import discipline, other_lists
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounceNotice, QNetSuspension
from qnet_mailman.runners import outgoing
from qnet_mailman.runners.bounce import BounceRunner
from tests.bounces.reports import FULL, UNKNOWN, received, report, rows
from tests.clock import Clock
from tests.helpers import message, queued, subscribe
from tests.lists import list_of_another_style

READER = 'reader@example.net'
OTHER = 'other@example.net'


@pytest.fixture
def stock(core: Any, clock: Clock) -> Any:
    return list_of_another_style(
        members=[READER, OTHER], bounce_score_threshold=3, admin_notify_mchanges=False
    )


def dispose(mlist: Any, said: str = UNKNOWN, *, to: str = '', serial: int = 1) -> None:
    msg = report(mlist, READER, said, to=to or mlist.bounces_address, serial=serial)
    BounceRunner('bounces')._dispose(mlist, msg, received(msg))
    config.db.commit()


def of_mailman(member: Any) -> tuple[Any, ...]:
    """What Mailman keeps of a member's bounces."""
    store().expire_all()
    return (
        member.bounce_score,
        member.last_bounce_received,
        member.total_warnings_sent,
        member.last_warning_sent,
    )


def suspensions() -> int:
    return store().scalar(select(func.count(QNetSuspension.id))) or 0


def do_due(clock: Clock) -> None:
    """What the bounce runner does from time to time."""
    discipline.do_steps(clock.moment)
    other_lists.do_due(clock.moment)
    discipline.end_cycle(clock.moment)


def warnings(address: str = READER) -> list[str]:
    return [
        msg.get_payload(decode=True).decode()
        for msg, data in queued('virgin')
        if address in data['recipients'] and msg['from'].startswith('stock-')
    ]


def test_points_and_days_are_ours_where_the_site_wants(
    stock: Any, clock: Clock, configure: Any
) -> None:
    configure(other_lists_bounce_scores='yes')
    member = stock.members.get_member(READER)
    before = of_mailman(member)
    dispose(stock, FULL)
    dispose(stock, UNKNOWN, serial=2)
    clock.forward(days=1)
    dispose(stock, UNKNOWN, serial=3)
    # A soft bounce is half a point, and a day has one (R16, R17).
    assert [(row.email, row.half_points) for row in rows()] == [
        (READER, 1),
        (READER, 2),
    ]
    # Mailman's columns are not shared.
    assert of_mailman(member) == before
    for serial in (4, 5):
        clock.forward(days=1)
        dispose(stock, UNKNOWN, serial=serial)
    assert member.preferences.delivery_status is DeliveryStatus.by_bounces
    do_due(clock)
    (text,) = warnings()
    # The warning is ours, too (R19).
    assert 'This is warning 1 of 3.' in text
    assert 'help@example.gov' in text
    assert '$' not in text
    assert stock.members.get_member(OTHER).preferences.delivery_status is None


@pytest.mark.parametrize('encoded', [False, True])
def test_whose_it_is_says_what_mailman_believes(
    stock: Any, clock: Clock, configure: Any, encoded: bool
) -> None:
    configure(other_lists_bounce_scores='yes')
    to = ''
    if encoded:
        # The text is about another address, to which this one forwards.
        to = 'stock-bounces+other=example.net@lists.example.gov'
        assert StandardVERP().get_verp(stock, message(f'To: {to}\n\n')) == {OTHER}
    dispose(stock, to=to)
    assert [row.email for row in rows()] == [OTHER if encoded else READER]


def test_what_the_mail_server_refuses_is_scored_alike(
    stock: Any, clock: Clock, configure: Any
) -> None:
    configure(other_lists_bounce_scores='yes')
    dsn = outgoing.OutgoingRunner('out')._fake_dsn(
        stock, READER, 550, b'5.2.2 Mailbox full'
    )
    getUtility(IBounceProcessor).register(stock, READER, dsn)
    [row] = rows()
    assert (row.half_points, row.reason) == (1, 'mailbox full')


def test_what_is_not_understood_waits_for_the_notice(
    stock: Any, clock: Clock, configure: Any
) -> None:
    configure(other_lists_bounce_scores='yes')
    letter = message(f'From: a@example.net\nTo: {stock.bounces_address}\n\nHello\n')
    BounceRunner('bounces')._dispose(stock, letter, received(letter))
    [notice] = store().scalars(select(QNetBounceNotice))
    assert (notice.list_id, notice.event) == (stock.list_id, 'unrecognized')
    assert not queued('virgin')


def test_switched_on_ours_go_on_where_mailman_was(
    stock: Any, clock: Clock, configure: Any
) -> None:
    member = stock.members.get_member(READER)
    for serial in range(3):
        dispose(stock, serial=serial)
        other_lists.do_due(clock.moment)
        clock.forward(days=1)
    assert member.preferences.delivery_status is DeliveryStatus.by_bounces
    warned = of_mailman(member)
    assert warned[2] == 1
    assert rows() == [] and not suspensions()
    configure(other_lists_bounce_scores='yes')
    do_due(clock)
    # Nobody is warned for the first time once more.
    assert of_mailman(member) == warned
    clock.forward(days=6)
    do_due(clock)
    assert of_mailman(member)[2] == 2
    clock.forward(days=7)
    do_due(clock)
    clock.forward(days=7)
    do_due(clock)
    assert stock.members.get_member(READER) is None
    assert len(warnings()) == 1 + 2 + 1


def test_switched_off_mailman_goes_on_where_ours_were(
    stock: Any, clock: Clock, configure: Any
) -> None:
    member = stock.members.get_member(READER)
    dispose(stock)
    other_lists.do_due(clock.moment)
    score = of_mailman(member)[:2]
    assert score == (1, clock.moment)
    configure(other_lists_bounce_scores='yes')
    for serial in range(2, 5):
        clock.forward(days=1)
        dispose(stock, serial=serial)
    do_due(clock)
    assert member.preferences.delivery_status is DeliveryStatus.by_bounces
    assert of_mailman(member)[:2] == score
    assert of_mailman(member)[2] == 1
    assert suspensions() == 1
    configure()
    clock.forward(days=1)
    do_due(clock)
    assert not suspensions()
    assert of_mailman(member)[2] == 1
    clock.forward(days=6)
    do_due(clock)
    assert of_mailman(member)[2] == 2
    # The ledger is kept, and counts when ours score again.
    assert len(rows()) == 3


def test_lists_of_ours_are_scored_alike_whatever_the_setting(
    make_list: Any, clock: Clock, configure: Any
) -> None:
    seen = []
    for word in ('no', 'yes'):
        configure(other_lists_bounce_scores=word)
        mlist = make_list()
        member = subscribe(mlist, READER)
        msg = report(mlist, READER)
        BounceRunner('bounces')._dispose(mlist, msg, received(msg))
        config.db.commit()
        do_due(clock)
        store().expire_all()
        seen.append((member.bounce_score, len(rows(list_id=mlist.list_id))))
        clock.moment += timedelta(days=1)
    assert seen == [(1, 1), (1, 1)]
