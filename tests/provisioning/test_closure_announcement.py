# SPDX-License-Identifier: GPL-3.0-or-later
"""The members of a list that is closed are told, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from mailman.config import config
from mailman.interfaces.member import DeliveryStatus

from qnet_mailman.lists import closing
from qnet_mailman.mta.copies import Kind, kind_of
from qnet_mailman.provisioning import notices
from tests.clock import Clock
from tests.expected import require_expected
from tests.helpers import digested, post, queued, run, subscribe
from tests.provisioning.closures import (
    ADMIN,
    CLOSABLE,
    letter,
    notices_to,
    provision,
    taken,
)
from tests.provisioning.samples import DOMAIN

pytestmark = CLOSABLE


def test_all_members_are_told_in_one_post(mlist: Any, clock: Clock) -> None:
    off = subscribe(mlist, 'off@example.org')
    off.preferences.delivery_status = DeliveryStatus.by_user
    config.db.commit()
    taken()
    provision(tell_members=True, reason='Not for members.')
    ((msg, _more),) = queued('pipeline')
    assert provision(tell_members=True).outcome == 'unchanged'
    assert len(queued('pipeline')) == 1
    taken()
    run('pipeline')
    ((msg, more),) = taken('out')
    assert kind_of(more) is Kind.post, 'with footers, and an envelope sender for each'
    assert more['recipients'] == {
        f'{name}@example.org' for name in ('ann', 'bob', 'dee')
    }
    assert str(msg['subject']).endswith('The mailing list HQR Updates is closed')
    assert msg['list-id']
    assert msg['from'] == f'HQR Updates <news1-owner@{DOMAIN}>'
    require_expected(msg.get_payload(), __file__, 'to-members-of-a-closed-list')
    # Nobody gets it twice, and it is no reason for a digest.
    assert not digested(mlist)


def test_a_list_that_is_opened_again_first_tells_nobody(
    mlist: Any, clock: Clock
) -> None:
    provision(tell_members=True)
    assert len(queued('pipeline')) == 1
    closing.reopen(mlist)
    config.db.commit()
    run('pipeline')
    assert (queued('out'), queued('pipeline'), queued('shunt')) == ([], [], [])
    # Closed again, with the first announcement in the queue still.
    provision(tell_members=True, ticket='REQ5')
    clock.moment += timedelta(minutes=1)
    provision(tell_members=True, ticket='REQ5', action='archive')
    assert len(queued('pipeline')) == 2
    run('pipeline')
    ((msg, _more),) = taken('out')
    assert 'will be deleted' not in msg.get_payload()


def test_nobody_else_can_pretend_to_be_the_announcement(
    mlist: Any, clock: Clock
) -> None:
    provision()
    taken()
    post(mlist, letter(f'news1-owner@{DOMAIN}', 'closed'))
    run('in', 'pipeline')
    assert queued('out') == []


def test_members_are_told_once_whatever_goes_wrong_beside(
    mlist: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise OSError('no space left on device')

    with monkeypatch.context() as patch:
        patch.setattr(notices, 'send_closure', fail)
        assert 'were not sent' in provision(tell_members=True).notes[-1]
    assert provision(tell_members=True).outcome == 'unchanged'
    assert len(queued('pipeline')) == 1
    assert list(notices_to()) == [ADMIN]
