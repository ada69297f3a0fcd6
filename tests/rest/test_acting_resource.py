# SPDX-License-Identifier: GPL-3.0-or-later
"""/lists/<list-id>/bounces/members/act: several members at once (R20, R22)."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from mailman.config import config
from mailman.interfaces.member import DeliveryStatus
from sqlalchemy import select

from qnet_mailman.bounces import discipline
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from tests.bounces.suspending import START, bounce, disable, suspensions
from tests.clock import Clock
from tests.helpers import empty, queued, run, subscribe, text_of
from tests.rest.client import ask
from tests.subscriptions.joiners import find_list, members

STOPPED, SHAKY = 'stopped@example.net', 'shaky@example.net'


@pytest.fixture
def held(clock: Clock, mlist: Any) -> Any:
    """A list with a member who is suspended, one whose mail bounces, and a third."""
    clock.moment = START
    people = {
        email: subscribe(mlist, email) for email in (STOPPED, SHAKY, 'well@example.net')
    }
    disable(mlist, people[STOPPED])
    bounce(people[SHAKY], START)
    config.db.commit()
    empty('virgin')
    ids = {email: str(one.member_id) for email, one in people.items()}
    return SimpleNamespace(list_id=mlist.list_id, ids=ids, clock=clock)


def act(held: Any, action: str, *emails: str, **more: Any) -> Any:
    fields = {'action': action, 'member': [held.ids[one] for one in emails], **more}
    return ask('POST', f'plugins/qnet/lists/{held.list_id}/bounces/members/act', fields)


def told() -> dict[str, str]:
    """Who was written to, and what, in words of which no line ends tear a sentence."""
    run('virgin')
    found = {
        recipient: text_of(msg)
        for msg, msgdata in queued('out')
        for recipient in msgdata['recipients']
    }
    empty('out')
    return found


def test_turning_on(held: Any) -> None:
    answer = act(held, 'enable', STOPPED, SHAKY, actor='harp:pexample')
    assert (answer.status_code, answer.json['addresses']) == (200, [STOPPED])
    assert suspensions() == 0
    [line] = store().scalars(select(QNetAudit).where(QNetAudit.actor.like('REST%')))
    assert (line.actor, line.action) == ('REST: harp:pexample', 'delivery enabled')
    assert act(held, 'enable', STOPPED).json['addresses'] == []


def test_notifying_once_a_day_with_advice_that_fits(held: Any) -> None:
    both = sorted([SHAKY, STOPPED])
    assert sorted(act(held, 'notify', STOPPED, SHAKY).json['addresses']) == both
    found = told()
    assert sorted(found) == both
    assert 'If this goes on, the list stops sending' in found[SHAKY]
    assert '/send-again/' not in found[SHAKY]
    assert '  1. Look at that address: is it spelled' in found[STOPPED]
    assert (
        '\n  Send to me again:\n  https://lists.example.gov/send-again/'
        in (found[STOPPED])
    )
    for text in found.values():
        assert 'blocklist' not in text
        assert '$' not in text
    assert act(held, 'notify', STOPPED, SHAKY).json['addresses'] == []
    held.clock.forward(days=1)
    assert sorted(act(held, 'notify', STOPPED, SHAKY).json['addresses']) == both


def test_removing_says_how_to_come_back(held: Any) -> None:
    assert act(held, 'remove', STOPPED, SHAKY).status_code == 200
    assert members(find_list(held.list_id)) == ['well@example.net']
    discipline.end_cycle(START + timedelta(hours=1))
    assert suspensions() == 0
    found = told()
    assert f'/signup/?lists={held.list_id}' in found[STOPPED]
    # Who is none any more is passed over.
    assert act(held, 'remove', STOPPED).json['addresses'] == []


def test_members_of_other_lists_are_left_alone(held: Any, make_list: Any) -> None:
    other = make_list()
    elsewhere = subscribe(other, STOPPED)
    elsewhere.preferences.delivery_status = DeliveryStatus.by_bounces
    other_id, held.ids['other'] = other.list_id, str(elsewhere.member_id)
    config.db.commit()
    for action in ('enable', 'notify', 'remove'):
        assert act(held, action, 'other').json['addresses'] == []
    found = find_list(other_id).members.get_member(STOPPED)
    assert found.preferences.delivery_status is DeliveryStatus.by_bounces


@pytest.mark.parametrize(
    'fields',
    [
        {'action': 'promote', 'member': str(uuid4())},
        {'action': 'enable'},
        {'action': 'enable', 'member': 'nobody'},
        {'action': 'enable', 'member': [str(uuid4()) for _ in range(101)]},
        {'action': 'enable', 'member': str(uuid4()), 'actor': 'two\nlines'},
    ],
)
def test_mistakes(held: Any, fields: dict[str, Any]) -> None:
    path = f'plugins/qnet/lists/{held.list_id}/bounces/members/act'
    assert ask('POST', path, fields).status_code == 400
