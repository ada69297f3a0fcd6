# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail server that takes less than the list: who is told (R36)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from mailman.config import config
from sqlalchemy import select

from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounce, QNetBounceNotice
from qnet_mailman.model.lists import set_mask
from qnet_mailman.posting import backscatter
from qnet_mailman.posting.oversize import AUTHOR
from qnet_mailman.runners.outgoing import OutgoingRunner
from qnet_mailman.values import Mask
from tests.clock import Clock
from tests.helpers import empty, message, post, queued, run
from tests.mta.test_wire import Server, after, serving

ADMIN = 'pat@agency.example.gov'
MEMBER = 'lee@example.org'
SAID = '552 5.3.4 Message size exceeds fixed limit'

pytestmark = pytest.mark.mlist(
    'discussion', administrators=[ADMIN], members=[MEMBER, 'reader@example.net']
)


@pytest.fixture
def relay(mlist: Any, configure: Any) -> Iterator[Server]:
    """One that takes no message at all, for its size."""
    configure(poster_authentication='off')
    with serving() as server:
        server.answer = after(b'MAIL', 1, SAID)
        yield server


def deliver(mlist: Any, author: str, number: int = 1, more: str = '') -> None:
    """Post, and let the runners work until the mail server has answered."""
    raw = (
        f'From: {author}\nTo: {mlist.posting_address}\nSubject: Plans {number}\n'
        f'Message-ID: <m{number}@agency.example.gov>\n{more}\nSee the plans.\n'
    )
    post(mlist, message(raw))
    run('in', 'pipeline')
    OutgoingRunner('out')._one_iteration()
    config.db.commit()


def told() -> list[Any]:
    """The notices to authors that wait to be sent."""
    return [
        msg
        for msg, _data in queued('virgin')
        if str(msg['subject']).endswith('was not delivered')
    ]


@pytest.mark.parametrize('mask', Mask)
@pytest.mark.parametrize('author', [ADMIN, MEMBER])
def test_the_author_is_told_masked_or_not(
    mlist: Any, relay: Server, mask: Mask, author: str
) -> None:
    set_mask(mlist, mask)
    config.db.commit()
    deliver(mlist, author)
    [notice] = told()
    assert str(notice['to']) == author
    assert notice['auto-submitted'] == 'auto-replied'
    text = notice.get_payload(decode=True).decode()
    assert SAID in text
    # Anybody may have written in that name: nothing of theirs is in it.
    assert 'Plans' not in notice.as_string()
    # The list's administrators are told once as well, and nobody has bounced.
    assert list(store().scalars(select(QNetBounceNotice.event))) == ['relay']
    assert list(store().scalars(select(QNetBounce.id))) == []
    # Who reads the queues learns no more than who reads the message.
    [(msg, data)] = queued('retry')
    del data['recipients']
    assert author in msg.as_string() or author not in str(data)


def test_a_post_is_told_of_once_and_an_author_once_a_day(
    mlist: Any, relay: Server, clock: Clock
) -> None:
    deliver(mlist, ADMIN)
    deliver(mlist, ADMIN, 2)
    assert len(told()) == 1
    clock.moment += timedelta(days=1)
    # What is tried again is not told again.
    for msg, data in queued('retry'):
        config.switchboards['out'].enqueue(msg, data)
    empty('retry')
    OutgoingRunner('out')._one_iteration()
    assert len(queued('retry')) == 2
    assert len(told()) == 1
    deliver(mlist, ADMIN, 3)
    assert len(told()) == 2


@pytest.mark.parametrize(
    'field',
    ['Auto-Submitted: auto-generated', 'Precedence: bulk', 'X-Ack: no', 'List-Id: <x>'],
)
def test_no_program_is_told(mlist: Any, relay: Server, field: str) -> None:
    """Also where a moderator let its message pass."""
    raw = (
        f'From: {ADMIN}\nTo: {mlist.posting_address}\nSubject: Backup done\n'
        f'Message-ID: <b1@agency.example.gov>\n{field}\n\nDone.\n'
    )
    config.switchboards['pipeline'].enqueue(
        message(raw), listid=mlist.list_id, to_list=True
    )
    run('pipeline')
    OutgoingRunner('out')._one_iteration()
    assert relay.count[b'MAIL'] > 0
    assert told() == []
    assert list(store().scalars(select(QNetBounceNotice.event))) == ['relay']


def test_what_has_no_author_or_a_null_sender_tells_nobody(
    mlist: Any, relay: Server
) -> None:
    raw = (
        f'From: {mlist.owner_address}\nTo: {MEMBER}\nSubject: Welcome\n'
        f'Message-ID: <w1@lists.example.gov>\n\nWelcome.\n'
    )
    config.switchboards['out'].enqueue(
        message(raw), listid=mlist.list_id, recipients={MEMBER}
    )
    null = (
        f'From: {ADMIN}\nTo: {mlist.posting_address}\nSubject: Plans\n'
        'Message-ID: <n1@agency.example.gov>\n\nSee the plans.\n'
    )
    config.switchboards['pipeline'].enqueue(
        message(null, ''), listid=mlist.list_id, to_list=True
    )
    run('pipeline')
    assert [AUTHOR in data for _msg, data in queued('out')] == [False, False]
    OutgoingRunner('out')._one_iteration()
    assert len(queued('retry')) == 2
    assert told() == []


def test_who_writes_in_many_names_makes_us_write_no_more_than_any_stranger(
    mlist: Any, relay: Server, configure: Any
) -> None:
    configure(poster_authentication='off', unproven_mails_per_day='1')
    assert backscatter.mail_allowed(MEMBER)
    deliver(mlist, MEMBER)
    assert told() == []
