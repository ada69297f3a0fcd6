# SPDX-License-Identifier: GPL-3.0-or-later
"""The link of a warning turns delivery on again, and does nothing else (R22)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from mailman.config import config
from mailman.interfaces.member import DeliveryStatus
from sqlalchemy import select

from qnet_mailman.bounces import overview
from qnet_mailman.model import keys
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.subscriptions import one_click
from qnet_mailman.subscriptions.one_click import Kind
from tests.bounces.rounds import steps_and_cycle
from tests.bounces.suspending import (
    START,
    Outbox,
    disable,
    live,
    member,
    suspensions,
)
from tests.clock import Clock
from tests.helpers import text_of
from tests.rest.client import ask
from tests.subscriptions.joiners import find_list

__all__ = ['member']

READER = 'reader@example.net'
LINK = re.compile(r'https://lists\.example\.gov/send-again/([a-z2-7]{72})/')


@pytest.fixture
def token(mlist: Any, member: Any) -> str:
    """Of the link in the warning that the member got."""
    disable(mlist, member)
    steps_and_cycle(START)
    (warning,) = Outbox().new()
    return LINK.findall(text_of(warning))[0]


def status(list_id: str) -> DeliveryStatus:
    found = find_list(list_id).members.get_member(READER)
    return found.preferences.delivery_status


def press(token: str) -> Any:
    return ask('POST', 'plugins/qnet/send-again', {'token': token})


def test_the_whole_way(mlist: Any, token: str) -> None:
    list_id, named = mlist.list_id, 'r***@example.net'
    config.db.commit()
    looked = ask('POST', 'plugins/qnet/send-again/describe', {'token': token})
    assert (looked.status_code, looked.json['outcome']) == (200, 'stopped')
    assert (looked.json['display_name'], looked.json['whose']) == ('HQR Updates', named)
    assert status(list_id) is DeliveryStatus.by_bounces
    pressed = press(token)
    assert (pressed.status_code, pressed.json['outcome']) == (200, 'turned on')
    assert status(list_id) is DeliveryStatus.enabled
    assert suspensions() == 0
    (found,) = overview.overview(find_list(list_id), START, address=READER)
    assert found['score'] == 0.0
    row = (
        store()
        .scalars(select(QNetAudit).where(QNetAudit.action == 'delivery enabled'))
        .one()
    )
    assert (row.actor, row.list_id, row.subject) == (READER, list_id, READER)
    # No further warning, and nobody is removed.
    assert not any('end' in one for day in live().values() for one in day)
    again = press(token.upper())
    assert (again.status_code, again.json['outcome']) == (200, 'not stopped')


@pytest.mark.parametrize('by', [DeliveryStatus.by_user, DeliveryStatus.by_moderator])
def test_what_somebody_else_has_turned_off_stays_off(
    mlist: Any, member: Any, token: str, by: DeliveryStatus
) -> None:
    member.preferences.delivery_status = by
    list_id = mlist.list_id
    config.db.commit()
    assert press(token).json['outcome'] == 'not stopped'
    assert status(list_id) is by


def test_who_has_left_is_not_subscribed_by_it(
    mlist: Any, member: Any, token: str
) -> None:
    member.unsubscribe()
    config.db.commit()
    assert press(token).json['outcome'] == 'not subscribed'


def test_no_token_serves_for_the_other(mlist: Any, member: Any, token: str) -> None:
    list_id = mlist.list_id
    members = one_click.memberships(mlist, [READER])
    (others,) = one_click.tokens_for(mlist, members, keys.signing()).values()
    config.db.commit()
    for page in ('unsubscribe', 'unsubscribe/describe'):
        for more in ({}, {'confirmed': 'yes'}):
            if page == 'unsubscribe' or not more:
                answer = ask('POST', f'plugins/qnet/{page}', {'token': token, **more})
                assert answer.status_code == 404
    for other in others:
        assert press(other).status_code == 404
    changed = token[:-1] + ('a' if token[-1] != 'a' else 'b')
    for wrong in (changed, 'x' * 72, '', token[:60]):
        assert press(wrong).status_code in (400, 404)
    assert status(list_id) is DeliveryStatus.by_bounces


def test_it_dies_with_its_key_and_with_time(
    clock: Clock, mlist: Any, token: str
) -> None:
    config.db.commit()
    clock.forward(days=500)
    assert press(token).status_code == 410
    claim = one_click.decode(token)
    assert claim is not None
    assert claim.kind is Kind.again
    keys.revoke([claim.key])
    config.db.commit()
    assert press(token).status_code == 410
