# SPDX-License-Identifier: GPL-3.0-or-later
"""The attack: somebody decides in the place of a list's moderators (R12, R25, R39)."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from mailman.config import config

from qnet_mailman.model import keys
from qnet_mailman.subscriptions import decision_links, quoted
from tests.attacks.automatic_answers import KINDS
from tests.effort import effort
from tests.helpers import appoint, message, queued, run
from tests.subscriptions.joiners import mails, undecided
from tests.subscriptions.test_deciding import (
    MOD,
    SHOWN,
    answer,
    asked,
    held,
    held_count,
    link_in,
    press,
    recorded,
)
from tests.subscriptions.test_deciding import mlist as mlist


def test_no_program_decides(mlist: Any) -> None:
    shown = SHOWN.format('agency.example.gov')
    for notice in (asked(mlist), held(mlist)):
        for kind, marked in itertools.product(KINDS, (True, False)):
            raw = kind.message(MOD, notice['from'], notice['subject'], marked=marked)
            config.switchboards['command'].enqueue(
                message(shown + raw, MOD), listid=mlist.list_id, subaddress='confirm'
            )
    run('command')
    assert not queued('shunt')
    assert recorded() == []
    assert (held_count(mlist), bool(undecided(mlist))) == (1, True)
    # Nor does a program hear anything.
    assert mails() == []


@pytest.mark.parametrize('field', ['Auto-Submitted: auto-replied', 'X-Autoreply: yes'])
def test_not_even_with_the_word(mlist: Any, field: str) -> None:
    notice = asked(mlist)
    shown = SHOWN.format('agency.example.gov')
    assert answer(mlist, notice, 'APPROVE', fields=f'{shown}{field}\r\n') == []
    assert recorded() == []


def test_what_another_list_is_asked(mlist: Any, make_list: Any) -> None:
    """A moderator of one list takes the token to their own list's address."""
    other = make_list('discussion', 'private')
    own = 'own@other.example.org'
    appoint(other, own, 'moderator')
    notice = asked(mlist)
    for there in (other, mlist):
        answer(there, notice, 'APPROVE', own)
    assert recorded() == []
    assert undecided(mlist)


def test_a_notice_that_is_quoted_decides_nothing(mlist: Any) -> None:
    notice = asked(mlist)
    token = link_in(notice)
    raw = (
        f'From: {MOD}\r\nTo: {mlist.fqdn_listname}\r\nSubject: Fwd\r\n'
        f'Message-ID: <q@example.org>\r\n\r\n> https://lists.example.gov/decide/{token}/'
        f'\r\n> https://x.example/?u=lists.example.gov%2Fdecide%2F{token.upper()}%2F\r\n'
        f'> {notice["from"]}\r\n'
    )
    msg = message(raw)
    assert quoted.make_dead(msg) == 3
    text = msg.as_string()
    assert token not in text.lower()
    assert undecided(mlist) not in text


def test_looking_for_such_links_stays_cheap(mlist: Any) -> None:
    invented = '\n'.join(
        '2m' + format(number, '010b').replace('0', 'a').replace('1', 'b') * 6 + 'aa'
        for number in range(1000)
    )
    keys.signing()
    with effort() as found:
        assert quoted.make_dead(message(f'Subject: x\r\n\r\n{invented}\r\n')) == 0
    assert len(found.statements) < 15


def test_a_key_that_was_taken_back_takes_its_links_along(mlist: Any) -> None:
    token = link_in(asked(mlist))
    assert decision_links.read(token) is not None
    keys.revoke([keys.signing().id])
    config.db.commit()
    assert press(token, 'accept').status_code == 404
