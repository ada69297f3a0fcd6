# SPDX-License-Identifier: GPL-3.0-or-later
"""Posts of nobody in particular, let pass by a moderator, are masked (R8)."""

from __future__ import annotations

import email
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mailman.app.moderator import handle_message
from mailman.config import config
from mailman.email.message import Message
from mailman.interfaces.action import Action
from mailman.interfaces.requests import IListRequests, RequestType

from qnet_mailman.model import digests
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import set_mask
from qnet_mailman.values import Mask
from tests.examples import LONG, again_long
from tests.helpers import (
    add_address,
    digested,
    empty,
    make_user,
    message,
    post,
    queued,
    run,
)
from tests.masking.authors import Author, authors, what_is_left
from tests.masking.test_masked_authors import from_lines
from tests.masking.test_masked_authors import post as any_post

PAT = 'pat@agency.test'
SECOND = 'pexample@home.test'

pytestmark = pytest.mark.mlist(
    'discussion', members=['reader@example.net'], filter_content=False
)


@pytest.fixture(autouse=True)
def pat(core: Any) -> None:
    """Somebody with two addresses."""
    user = make_user(PAT)
    user.display_name = 'Pat Known'
    add_address(user, SECOND)


def accept(mlist: Any) -> None:
    for request in IListRequests(mlist).of_type(RequestType.held_message):
        handle_message(mlist, request.id, Action.accept)
    run('pipeline')
    assert not queued('shunt')


def sent(mlist: Any) -> list[Any]:
    # What is on its way, and what is kept.
    found = [msg for name in ('out', 'archive') for msg, _ in queued(name)]
    found += digested(mlist)
    digests.remove(row for row, _ in digests.waiting(mlist.list_id))
    return [email.message_from_bytes(msg.as_bytes()) for msg in found]


@pytest.mark.parametrize(
    'line',
    [
        f'Pat Known {PAT}',
        f'Pat Known <{PAT}>, Kim Other <kim@other.test>',
        f'Staff: {PAT};',
        '',
    ],
)
@pytest.mark.parametrize('mask', [Mask.administrators, Mask.everyone])
def test_whom_the_database_knows(mlist: Any, line: str, mask: Mask) -> None:
    set_mask(mlist, mask)
    raw = (
        f'From: {line}\r\nTo: {mlist.fqdn_listname}\r\nCc: Pat Known <{SECOND}>\r\n'
        f'Subject: By Pat Known, {SECOND}\r\nX-Sender: {PAT}\r\n\r\nHello.\r\n'
    )
    post(mlist, message(raw, PAT))
    run('in')
    accept(mlist)
    copies = sent(mlist)
    assert len(copies) == 3
    for copy in copies:
        assert what_is_left(copy, Author('Pat Known', PAT)) == []
        assert what_is_left(copy, Author('Pat Known', SECOND)) == []
    row = store().query(QNetAudit).filter_by(action='post masked').one()
    assert PAT in row.actor


def test_masking_that_is_off_stays_off(mlist: Any) -> None:
    set_mask(mlist, Mask.off)
    post(mlist, message(f'From: Pat Known {PAT}\r\nSubject: News\r\n\r\nHello.\r\n'))
    run('in')
    accept(mlist)
    assert all('Pat Known' in str(copy['from']) for copy in sent(mlist))


@again_long
def test_any_header_block(mlist: Any) -> None:
    passed = 0

    @settings(
        max_examples=40 if LONG else 12,
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(st.data(), authors)
    def check(data: Any, author: Author) -> None:
        nonlocal passed
        empty('in', 'pipeline', 'out', 'archive', 'virgin', 'shunt')
        set_mask(mlist, Mask.everyone)
        lines = data.draw(from_lines(author))
        if lines[0] == author.address.encode():
            return
        raw = data.draw(any_post(author, lines))
        msg = email.message_from_bytes(raw, Message)
        del msg['message-id']
        post(mlist, message(msg.as_bytes(), author.address))
        run('in')
        accept(mlist)
        for copy in sent(mlist):
            passed += 1
            assert what_is_left(copy, author) == []

    check()
    assert passed > 20
    assert not config.switchboards['shunt'].files
