# SPDX-License-Identifier: GPL-3.0-or-later
"""What LMTP cannot keep it does not refuse for good (R33)."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.listmanager import IListManager
from mailman.runners.lmtp import LMTPHandler
from zope.component import getUtility

from qnet_mailman.model import listnames
from qnet_mailman.runners import lmtp
from qnet_mailman.runners.lmtp import ERR_451, ERR_554, Handler, LMTPRunner
from tests.effort import effort
from tests.helpers import queued

MESSAGE = b'From: ann@example.org\nSubject: Hello\nMessage-ID: <1@example.org>\n\nHi.\n'


@pytest.fixture
def handler(core: Any) -> Any:
    runner = LMTPRunner('lmtp')
    assert isinstance(runner.lmtp.handler, Handler)
    return runner.lmtp.handler


@pytest.fixture
def envelope(make_list: Any) -> Any:
    lists = [make_list(), make_list()]
    config.db.commit()
    return SimpleNamespace(
        content=MESSAGE,
        mail_from='ann@example.org',
        rcpt_tos=[mlist.posting_address for mlist in lists],
    )


def leftovers() -> list[Path]:
    folders = [Path(config.QUEUE_DIR, name) for name in ('handover', 'in')]
    return [path for folder in folders for path in folder.rglob('*') if path.is_file()]


def test_each_recipient_has_an_answer(handler: Any, envelope: Any) -> None:
    assert handler._handle_DATA(None, None, envelope) == '250 Ok\r\n250 Ok'
    assert len(queued('in')) == 2


def test_no_space(handler: Any, envelope: Any, monkeypatch: Any) -> None:
    calls = []

    def fsync(number: int) -> None:
        calls.append(number)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, 'fsync', fsync)
    assert handler._handle_DATA(None, None, envelope) == f'250 Ok\r\n{ERR_451}'
    # Half a message does not stay.
    assert [path.suffix for path in leftovers()] == ['.pck']
    ((_, msgdata),) = queued('in')
    assert msgdata['listid'] == envelope.rcpt_tos[0].replace('@', '.')


def test_no_space_for_another_name(
    handler: Any, envelope: Any, monkeypatch: Any
) -> None:
    rename = os.rename

    def fails(source: Any, target: Any) -> None:
        if Path(target).parent.name == 'in' and 'handover' not in str(target):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rename(source, target)

    monkeypatch.setattr(os, 'rename', fails)
    assert handler._handle_DATA(None, None, envelope) == f'{ERR_451}\r\n{ERR_451}'
    assert not leftovers()


def test_what_a_killed_runner_left(handler: Any, envelope: Any) -> None:
    folder = Path(config.QUEUE_DIR, 'handover', 'lmtp+message', 'in')
    folder.mkdir(parents=True)
    (folder / '1.0+abc.pck').write_bytes(b'of a message that its sender will repeat')
    handler._handle_DATA(None, None, envelope)
    assert len(queued('in')) == 2


def test_a_message_that_breaks_mailman(
    handler: Any, envelope: Any, monkeypatch: Any
) -> None:
    def fails(*_arguments: Any) -> None:
        raise ValueError

    with monkeypatch.context() as patch:
        patch.setattr(lmtp.intake, 'parse', fails)
        reply = handler._handle_DATA(None, None, envelope)
    assert reply == f'{ERR_554}\r\n{ERR_554}'
    assert not leftovers()
    assert handler._handle_DATA(None, None, envelope) == '250 Ok\r\n250 Ok'


LOCAL_PARTS = st.sampled_from(
    [
        *('news', 'News', 'news-owner', 'news-owner-bounces', 'news-leave', 'owner'),
        *('news-bounces+ann=example.org', 'news-confirm+abc', 'news-nothing', '-join'),
        *('talk', 'talk-', 'other-unsubscribe', 'news@talk', '', 'solo-join'),
    ]
)
DOMAINS = st.sampled_from(
    ['lists.example.gov', 'LISTS.example.gov', 'alias.example.gov', 'example.org', '']
)


def _rcpt(handler: Any, to: str) -> Any:
    envelope = SimpleNamespace(rcpt_tos=[], rcpt_options=[])
    return handler._handle_RCPT(None, None, envelope, to, [])


@settings(deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))
@given(LOCAL_PARTS, DOMAINS)
def test_takes_what_stock_takes(
    handler: Any, named_lists: None, local: str, domain: str
) -> None:
    to = f'{local}@{domain}' if domain else local
    ours, theirs = _rcpt(handler, to), _rcpt(LMTPHandler(), to)
    assert ours[:3] == theirs[:3]
    # In words, and with an enhanced code (RFC 3463).
    if not ours.startswith('250'):
        assert ours == f'550 5.1.1 There is no mailing list {to}'


@pytest.fixture
def named_lists(core: Any) -> None:
    domain = getUtility(IDomainManager).add('lists.example.gov')
    for name in ('news', 'news-owner', 'talk', 'owner', 'solo-join'):
        # Of no style of ours: those have no such names.
        create_list(f'{name}@lists.example.gov', style_name='legacy-default')
    domain.alias_domain = 'alias.example.gov'
    config.db.commit()


def test_the_names_of_all_lists_are_not_read(handler: Any, envelope: Any) -> None:
    with effort() as spent:
        for to in envelope.rcpt_tos:
            assert _rcpt(handler, to) == '250 Ok'
        handler._handle_DATA(None, None, envelope)
    asked = [' '.join(each.split()) for each in spent.statements]
    about_lists = [each for each in asked if 'FROM mailinglist' in each]
    assert len(about_lists) >= 3
    assert all('WHERE' in each for each in about_lists)


def test_whoever_asks_for_all_names_gets_all(named_lists: None) -> None:
    manager = getUtility(IListManager)
    assert isinstance(manager, listnames.ListManager)
    everything = set(manager.names)
    assert len(everything) == 5
    with listnames.only(['talk@lists.example.gov', 'no@lists.example.gov', 'x']):
        assert set(manager.names) == {'talk@lists.example.gov'}
    assert set(manager.names) == everything
