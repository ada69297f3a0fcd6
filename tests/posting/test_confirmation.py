# SPDX-License-Identifier: GPL-3.0-or-later
"""The release of a post by the person in whose name it came (R6)."""

from __future__ import annotations

import itertools
import os
import pickle
import re
from datetime import timedelta
from typing import Any

import pytest
from mailman.app.moderator import handle_message
from mailman.chains.hold import HeldMessagePendable
from mailman.config import config
from mailman.interfaces.action import Action
from mailman.interfaces.pending import IPendings
from mailman.interfaces.requests import IListRequests, RequestType
from mailman.model import pending
from mailman.model.pending import Pended
from mailman.utilities.datetime import now
from zope.component import getUtility

from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.posting.confirmation import Outcome, confirm
from tests.helpers import message, post, queued, run

FORGED = (
    'From: Pat Example <pat@agency.example.gov>\r\nTo: {list}\r\n'
    'Subject: {subject}\r\nMessage-ID: <{id}@example.net>\r\n\r\n{subject}\r\n'
)

pytestmark = pytest.mark.mlist(administrators=['pat@agency.example.gov'])


def hold(mlist: Any, subject: str = 'News', number: int = 1) -> tuple[str, Any]:
    """Post in Pat's name; the token and the notice that Pat gets."""
    raw = FORGED.format(list=mlist.fqdn_listname, subject=subject, id=f'm{number}')
    post(mlist, message(raw))
    run('in')
    notice = queued('virgin')[-1][0]
    token = re.search(r'confirm\+[0-9a-f]{8}([0-9a-f]{40})@', notice['from'])[1]
    return token, notice


def answer(
    mlist: Any, notice: Any, fields: str = '', envelope: str = 'pat@x.y'
) -> None:
    """Answer the notice, as a mail program does, through the command queue."""
    raw = (
        f'From: Pat Example <pat@agency.example.gov>\r\nTo: {notice["from"]}\r\n'
        f'Subject: Re: {notice["subject"]}\r\nMessage-ID: <answer@example.net>\r\n'
        f'{fields}\r\nDeliver\r\n\r\nYes, that is mine.\r\n'
    )
    config.switchboards['command'].enqueue(
        message(raw, envelope), listid=mlist.list_id, subaddress='confirm'
    )
    run('command')


def held_count(mlist: Any) -> int:
    return IListRequests(mlist).count_of(RequestType.held_message)


def test_an_answer_releases_the_post_once(mlist: Any) -> None:
    _, notice = hold(mlist)
    answer(mlist, notice)
    assert [msg['subject'] for msg, _ in queued('pipeline')] == ['News']
    assert held_count(mlist) == 0
    # Whatever is answered to that is silence, not a command's results.
    answer(mlist, notice)
    assert len(queued('pipeline')) == 1


def test_the_notice_names_both_ways(mlist: Any) -> None:
    token, notice = hold(mlist)
    text = notice.get_payload(decode=True).decode()
    assert notice['to'] == 'pat@agency.example.gov'
    assert f'https://lists.example.gov/posts/confirm/{token}/' in text
    assert notice['auto-submitted'] == 'auto-generated'
    assert '72 hours' in text
    assert 'help@example.gov' in text


@pytest.mark.parametrize(
    ('fields', 'envelope'),
    [
        ('Auto-Submitted: auto-replied\r\n', 'pat@x.y'),
        ('X-Autoreply: yes\r\n', 'pat@x.y'),
        ('', ''),
    ],
)
def test_an_automatic_reply_confirms_nothing(
    mlist: Any, fields: str, envelope: str
) -> None:
    _, notice = hold(mlist)
    answer(mlist, notice, fields, envelope)
    assert not queued('pipeline')
    assert held_count(mlist) == 1


def test_a_token_expires(mlist: Any, configure: Any) -> None:
    configure(post_confirmation_lifetime='2h')
    token, _ = hold(mlist)
    # What expires is the pending; Mailman's clock runs on in this process.
    pended = store().query(Pended).filter_by(token=token).one()
    assert timedelta(0) < pended.expiration_date - now() <= timedelta(hours=2)
    pended.expiration_date -= timedelta(hours=2, seconds=1)
    assert confirm(token, route='test') is Outcome.unknown
    assert held_count(mlist) == 1


def test_a_token_is_for_one_message(mlist: Any) -> None:
    first, _ = hold(mlist, 'First', 1)
    hold(mlist, 'Second', 2)
    assert confirm(first, route='test') is Outcome.released
    assert confirm(first, route='test') is Outcome.decided
    assert [msg['subject'] for msg, _ in queued('pipeline')] == ['First']
    assert held_count(mlist) == 1


def test_a_token_does_not_release_what_took_the_messages_place(mlist: Any) -> None:
    token, _ = hold(mlist)
    for folder, _, names in os.walk(config.MESSAGES_DIR):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, 'rb') as fp:
                msg = pickle.load(fp)
            msg.set_payload('Something else.')
            with open(path, 'wb') as fp:
                pickle.dump(msg, fp)
    assert confirm(token, route='test') is Outcome.unknown
    assert not queued('pipeline')


def test_a_token_of_another_list_is_unknown(mlist: Any, make_list: Any) -> None:
    token, _ = hold(mlist)
    assert confirm(token, route='test', mlist=make_list()) is Outcome.unknown


@pytest.mark.parametrize('action', [Action.accept, Action.discard, Action.reject])
def test_a_moderator_may_be_first(mlist: Any, action: Action) -> None:
    token, _ = hold(mlist)
    (request,) = IListRequests(mlist).of_type(RequestType.held_message)
    handle_message(mlist, request.id, action)
    before = len(queued('pipeline'))
    assert confirm(token, route='test') is Outcome.decided
    assert len(queued('pipeline')) == before


@pytest.mark.parametrize(
    'token', ['', 'x', '0' * 40, 'é' * 40, "' OR 1=1 --", '0' * 4000, '\x00' * 40]
)
def test_garbage_is_no_token(mlist: Any, token: str) -> None:
    hold(mlist)
    assert confirm(token, route='test') is Outcome.unknown


def test_a_pending_of_mailmans_own_is_no_token_of_ours(mlist: Any) -> None:
    token = getUtility(IPendings).add(HeldMessagePendable(id=1, list_id=mlist.list_id))
    assert confirm(token, route='test') is Outcome.unknown
    assert getUtility(IPendings).confirm(token, expunge=False) is not None


def test_tokens_do_not_come_from_mailmans_generator(
    mlist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = itertools.count()
    monkeypatch.setattr(pending.token_factory, 'new', lambda: f'{next(numbers):040}')
    token, _ = hold(mlist)
    assert not token.startswith('0' * 30)


def test_a_release_is_audited(mlist: Any) -> None:
    token, _ = hold(mlist)
    confirm(token, route='web')
    row = store().query(QNetAudit).filter_by(action='post confirmed').one()
    assert row.actor == 'pat@agency.example.gov'
    assert row.subject == '<m1@example.net>'
    assert '"route": "web"' in row.detail
