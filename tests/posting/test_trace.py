# SPDX-License-Identifier: GPL-3.0-or-later
"""The mark that a list leaves on its posts (RFC 5321 section 6.3)."""

from __future__ import annotations

from email.message import Message
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailman.config import config

from qnet_mailman.model import keys
from qnet_mailman.model.lists import set_mask
from qnet_mailman.posting import trace
from qnet_mailman.values import Mask
from tests.helpers import message, post, queued, run

MEMBER = 'lee@example.org'
pytestmark = [
    pytest.mark.usefixtures('core'),
    pytest.mark.mlist('discussion', members=[MEMBER, 'reader@example.net']),
]


def passed(*list_ids: str) -> Message:
    """A post that has been through lists."""
    msg = Message()
    for list_id in list_ids:
        trace.leave(msg, trace.read(msg), list_id, 0)
    return msg


def test_a_list_knows_its_own_mark_and_no_other() -> None:
    found = trace.read(passed('a.example.gov', 'b.example.gov'))
    assert found.hops == 2
    assert trace.has_passed(found, 'a.example.gov')
    assert trace.has_passed(found, 'b.example.gov')
    assert not trace.has_passed(found, 'c.example.gov')


def test_a_mark_says_nothing_to_others() -> None:
    assert 'example' not in str(passed('a.example.gov'))


def test_marks_outlive_a_new_key() -> None:
    msg = passed('a.example.gov')
    first = keys.signing().id
    keys.rotate()
    trace.leave(msg, trace.read(msg), 'b.example.gov', 3)
    found = trace.read(msg)
    assert found.hops == 5
    assert trace.has_passed(found, 'a.example.gov')
    assert trace.has_passed(found, 'b.example.gov')
    keys.revoke([first])
    assert not trace.has_passed(trace.read(msg), 'a.example.gov')


def test_a_changed_mark_counts_for_nothing() -> None:
    value = ''.join(str(passed('a.example.gov')[trace.FIELD]).split())
    for index, character in enumerate(value):
        msg = Message()
        other = '1' if character != '1' else '2'
        msg[trace.FIELD] = value[:index] + other + value[index + 1 :]
        assert trace.read(msg) == trace.Trace(0, {})


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    msg = Message()
    msg.set_raw(trace.FIELD, text)
    assert trace.read(msg) == trace.Trace(0, {})


def test_many_lists_fit_into_the_field() -> None:
    msg = passed(*(f'list{number}.example.gov' for number in range(24)))
    assert max(len(line) for line in msg.as_string().splitlines()) < 998
    assert trace.read(msg).hops == 24


def raw(mlist: Any, servers: int, more: str = '') -> str:
    received = 'Received: from a.test by b.test; Sun, 22 Nov 2026 10:00:00 +0000\r\n'
    return (
        received * servers + f'From: Lee <{MEMBER}>\r\nTo: {mlist.fqdn_listname}\r\n'
        f'Subject: News\r\nMessage-ID: <1@example.org>\r\n{more}\r\nHello.\r\n'
    )


def go(mlist: Any, text: str) -> list[Any]:
    post(mlist, message(text, MEMBER))
    run('in', 'pipeline')
    assert not queued('shunt')
    return [msg for msg, _ in queued('out')]


@pytest.mark.parametrize('mask', [Mask.off, Mask.everyone])
def test_hops_are_counted_across_masking(mlist: Any, mask: Mask) -> None:
    set_mask(mlist, mask)
    (copy,) = go(mlist, raw(mlist, 7))
    assert trace.read(copy).hops + trace.servers(copy) == 8
    assert trace.has_passed(trace.read(copy), mlist.list_id)


@pytest.mark.parametrize(('servers', 'copies'), [(23, 1), (24, 0)])
def test_after_25_hops_anything_ends(mlist: Any, servers: int, copies: int) -> None:
    other = passed('a.example.gov', 'b.example.gov')
    field = f'{trace.FIELD}: {"".join(str(other[trace.FIELD]).split())}\r\n'
    assert len(go(mlist, raw(mlist, servers, field))) == copies
    told = [m for m, _ in queued('virgin') if m['to'] == mlist.owner_address]
    assert len(told) == 1 - copies


def test_administrators_are_told_once(mlist: Any) -> None:
    back = passed(mlist.list_id)
    field = f'{trace.FIELD}: {"".join(str(back[trace.FIELD]).split())}\r\n'
    for _ in range(3):
        assert go(mlist, raw(mlist, 1, field)) == []
    told = [m for m, _ in queued('virgin') if m['to'] == mlist.owner_address]
    assert len(told) == 1
    assert 'come back' in str(told[0]['subject'])
    assert not config.switchboards['shunt'].files
