# SPDX-License-Identifier: GPL-3.0-or-later
"""Who waits for a decision that nobody takes is told when it expires (R12)."""

from __future__ import annotations

from typing import Any

from mailman.config import config

from qnet_mailman.health.looking import examine
from qnet_mailman.model.base import store
from qnet_mailman.runners.task import TaskRunner
from qnet_mailman.subscriptions import confirming, expiring
from tests.clock import Clock
from tests.effort import effort
from tests.expected import require_expected
from tests.helpers import appoint, empty
from tests.lists import list_of_another_style
from tests.subscriptions.joiners import READER, confirm, mails, register, text, token_of
from tests.subscriptions.test_reminders import ask, closure
from tests.subscriptions.waiting import waiting


def clear() -> list[Any]:
    """What the task runner's hourly work sends."""
    empty('virgin')
    config.db.commit()
    TaskRunner('task')._do_periodic()
    # It was committed.
    config.db.abort()
    return [mail for mail in mails() if mail['to'] != 'admin@example.gov']


def test_the_requester_is_told_once(make_list: Any, clock: Clock) -> None:
    mlist = make_list('discussion', 'private')
    appoint(mlist, 'admin@example.gov')
    register(mlist)
    clock.forward(days=180)
    assert clear() == []
    assert waiting() == 1
    clock.forward(seconds=1)
    (mail,) = clear()
    assert (mail['to'], mail['auto-submitted']) == (READER, 'auto-generated')
    assert mail['from'] == mlist.owner_address
    subject = 'Nobody has decided about your request to join HQR Updates'
    assert mail['subject'] == subject
    require_expected(text(mail), __file__, 'request-expired')
    assert waiting() == 0
    clock.forward(hours=2)
    assert clear() == []
    # They can ask again.
    register(mlist)
    assert waiting() == 1


def test_many_lists_in_one_mail(make_list: Any, clock: Clock) -> None:
    lists = [make_list('discussion', 'private') for _ in range(5)]
    ask(*lists)
    store().add(closure(lists[0]))
    clock.forward(days=181)
    (mail,) = clear()
    assert mail['subject'] == 'Nobody has decided about your request to join'
    assert lists[0].fqdn_listname not in text(mail)
    for mlist in lists[1:]:
        assert f'{mlist.fqdn_listname}>' in text(mail)
        assert mlist.owner_address in text(mail)
        assert f'lists={mlist.list_id}' in text(mail)


def test_only_who_waits_for_administrators(make_list: Any, clock: Clock) -> None:
    public, private = make_list(), make_list('discussion', 'private')
    ask(public)
    token, _, _ = register(private, 'other@example.net')
    confirm(private, token)
    clock.forward(days=8)
    assert clear() == []
    assert waiting() == 0


def test_check_says_how_many_never_confirm(
    make_list: Any, clock: Clock, configure: Any
) -> None:
    def share() -> list[tuple[str, str]]:
        found = examine(web=False, mail=False)
        return [(one.level, one.text) for one in found if one.subject == 'sign-ups']

    assert share() == []
    mlist = make_list()
    for number in range(12):
        ask(mlist, address=f'one{number}@example.net')
    ask(mlist)
    again = mails()[-1]
    ask(mlist)
    register(make_list(), invitation=True)
    assert confirming.confirm(token_of(again), route='web') is not None
    clock.forward(days=8)
    clear()
    # Who asked twice has confirmed once.
    text = '12 of 13 (92 %) were never confirmed in the last 30 days'
    assert share() == [('ok', text)]
    for number in range(8):
        ask(mlist, address=f'two{number}@example.net')
    clock.forward(days=8)
    clear()
    ((level, text),) = share()
    assert (level, text[:8]) == ('warning', '20 of 21')
    clock.forward(days=30)
    assert share() == []
    configure(signup_lifetime='3d')
    assert 'is reminded' in share()[0][1]


def test_others_mailboxes_are_not_flooded(
    make_list: Any, clock: Clock, configure: Any
) -> None:
    mlist = make_list('discussion', 'private')
    for number in range(3):
        register(mlist, f'reader+{number}@example.net')
    clock.forward(days=181)
    assert len(clear()) == 1
    register(mlist)
    clock.forward(days=180)
    configure(unproven_mails_per_day='1')
    register(make_list())
    clock.forward(seconds=1)
    assert clear() == []


def test_requests_of_other_lists_are_mailmans(core: Any, clock: Clock) -> None:
    stock = list_of_another_style()
    register(stock)
    clock.forward(days=181)
    assert clear() == []
    assert waiting() == 0


def test_a_hundred_cost_little_more_statements_than_ten(
    make_list: Any, clock: Clock
) -> None:
    mlist = make_list('discussion', 'private')
    counts = []
    for number in (10, 100):
        for each in range(number):
            register(mlist, f'reader{each}@example.net')
        clock.forward(days=181)
        empty('virgin')
        config.db.commit()
        with effort() as found:
            expiring.end_expired(clock.moment)
        assert len(mails()) == number
        counts.append(len(found.statements))
    assert counts[1] <= counts[0] + 10
