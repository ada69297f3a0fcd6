# SPDX-License-Identifier: GPL-3.0-or-later
"""Held messages whose text is gone (R33)."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from mailman.app.moderator import handle_message
from mailman.config import config
from mailman.interfaces.action import Action
from mailman.interfaces.messages import IMessageStore
from mailman.interfaces.requests import IListRequests, RequestType
from zope.component import getUtility

from qnet_mailman.posting.lost import MessageLost
from qnet_mailman.subscriptions import deciding
from qnet_mailman.subscriptions.verdicts import Verdict
from tests.helpers import appoint, message, post, queued, run, subscribe


@pytest.fixture
def held(make_list: Any) -> tuple[Any, Any]:
    """A list and its one request."""
    mlist = make_list('discussion')
    mlist.send_welcome_message = False
    subscribe(mlist, 'reader@example.net')
    raw = (
        'From: s@example.com\r\nSubject: Hm\r\nMessage-ID: <h@example.com>\r\n\r\nX\r\n'
    )
    post(mlist, message(raw))
    run('in')
    config.db.commit()
    (request,) = IListRequests(mlist).of_type(RequestType.held_message)
    return mlist, request


def folder() -> Path:
    return Path(config.MESSAGES_DIR)


def lose() -> Path:
    kept = folder().with_name('kept-messages')
    shutil.rmtree(kept, ignore_errors=True)
    shutil.move(folder(), kept)
    folder().mkdir()
    return kept


def test_it_is_not_accepted_and_stays(held: Any) -> None:
    mlist, request = held
    kept = lose()
    for _ in range(2):
        with pytest.raises(MessageLost) as refused:
            handle_message(mlist, request.id, Action.accept)
        assert 'gone' in str(refused.value)
        config.db.commit()
        assert IListRequests(mlist).get_request(request.id) is not None
        # Looking at the page of held messages does not make it worse.
        assert getUtility(IMessageStore).get_message_by_id('<h@example.com>') is None
    assert not queued('pipeline')
    # The folder is put back.
    folder().rmdir()
    shutil.move(kept, folder())
    handle_message(mlist, request.id, Action.accept)
    ((msg, _),) = queued('pipeline')
    assert msg['subject'] == 'Hm'


@pytest.mark.parametrize('action', [Action.discard, Action.reject])
def test_it_can_be_got_rid_of(held: Any, action: Action) -> None:
    mlist, request = held
    lose()
    handle_message(mlist, request.id, action)
    assert IListRequests(mlist).get_request(request.id) is None


def test_it_is_not_forwarded(held: Any) -> None:
    mlist, request = held
    lose()
    with pytest.raises(MessageLost):
        handle_message(mlist, request.id, Action.defer, forward=['a@example.net'])
    assert IListRequests(mlist).get_request(request.id) is not None


def test_a_new_message_with_its_id_is_stored(held: Any) -> None:
    lose()
    new = message('From: s@example.com\r\nMessage-ID: <h@example.com>\r\n\r\nNew.\r\n')
    getUtility(IMessageStore).add(new)
    found = getUtility(IMessageStore).get_message_by_id('<h@example.com>')
    assert found.get_payload() == 'New.\r\n'


def test_a_moderators_decision_is_refused_in_words(held: Any) -> None:
    mlist, request = held
    appoint(mlist, 'mod@example.org', 'moderator')
    msg = getUtility(IMessageStore).get_message_by_id('<h@example.com>')
    token = deciding.offer(mlist, request.id, msg)
    lose()
    by = {'by': 'mod@example.org', 'route': 'e-mail'}
    outcome, why = deciding.decide(token, Verdict.accept, **by)
    assert outcome is deciding.Outcome.failed
    assert 'text of this message is gone' in why
    assert IListRequests(mlist).get_request(request.id) is not None
    assert deciding.decide(token, Verdict.discard, **by)[0] is deciding.Outcome.done
    assert IListRequests(mlist).get_request(request.id) is None
