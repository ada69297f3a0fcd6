# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard before Mailman's runners (R32)."""

from __future__ import annotations

import logging
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.email.message import UserNotification
from mailman.runners import incoming
from sqlalchemy import event

from qnet_mailman import site
from qnet_mailman.health.looking import examine
from qnet_mailman.queues import standstill
from qnet_mailman.runners import bounce, guard, periodic, periodic_bounces, task
from qnet_mailman.runners import incoming as runner_incoming
from qnet_mailman.runners.archive import ArchiveRunner
from qnet_mailman.runners.outgoing import OutgoingRunner
from qnet_mailman.setup import startup
from qnet_mailman.templates.sending import send
from tests.clock import stop_clock
from tests.conftest import write_settings
from tests.effort import database_away, effort
from tests.helpers import appoint, message, post, queued, run
from tests.keeping import Keeper

POST = (
    'From: pat@agency.example.gov\r\nTo: {list}\r\nSubject: News\r\n'
    'Message-ID: <m1@example.net>\r\n\r\nNews.\r\n'
)


@pytest.fixture
def waiting(configure: Any, make_list: Any) -> Any:
    """A list with a post of its poster in the `in` queue."""
    configure(poster_authentication='off')
    mlist = make_list()
    appoint(mlist, 'pat@agency.example.gov', may_post=True)
    post(mlist, message(POST.format(list=mlist.fqdn_listname)))
    return mlist


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, 'RETRY', 0.0)


def test_broken_settings_leave_mail_in_the_queue_until_mended(
    core: Any, waiting: Any, caplog: pytest.LogCaptureFixture
) -> None:
    runner = runner_incoming.IncomingRunner('in')
    write_settings(core.var / 'qnet.cfg', poster_authentication='maybe')
    with pytest.raises(site.NotReady):
        startup.setup()
    with caplog.at_level(logging.ERROR, 'mailman.runner'):
        assert runner._one_iteration() == 0
        assert runner._one_iteration() == 0
    assert len(queued('in')) == 1
    said = [r.getMessage() for r in caplog.records if 'stays in its queue' in r.message]
    assert len(said) == 1, 'it is said once, not at every look'
    assert "poster_authentication = 'maybe': expected one of" in said[0]
    write_settings(core.var / 'qnet.cfg', poster_authentication='off')
    assert runner._one_iteration() == 1
    assert not queued('in')
    assert len(queued('pipeline')) == 1


def test_a_runner_without_the_guard_makes_the_setup_fail(core: Any) -> None:
    core.config.push(
        'unguarded',
        '[runner.in]\nclass: mailman.runners.incoming.IncomingRunner\n',
    )
    try:
        with pytest.raises(site.NotReady, match=r'\[runner\.in\] class .* must be'):
            startup.setup()
    finally:
        core.config.pop('unguarded')
        startup.setup()


def test_switched_off_ours_wait_and_others_go_on(
    core: Any, waiting: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """What is shown whole by tests/neighbour/test_switching_off.py."""
    other = create_list(f'other@{waiting.mail_host}', style_name='legacy-default')
    post(other, message(POST.format(list=other.fqdn_listname)))
    runner = runner_incoming.IncomingRunner('in')
    with monkeypatch.context() as patch:
        patch.setattr(site, 'is_off', lambda: True)
        assert [job[0] for job in periodic_bounces.bounces()] == [
            'bounces of other lists'
        ]
        assert not periodic.tasks()
        assert runner._one_iteration() == 1
        # Nothing to do, so that it sleeps.
        assert runner._one_iteration() == 0
    [(_, data)] = queued('in')
    assert data['listid'] == waiting.list_id
    assert not queued('shunt')
    [said] = [r.getMessage() for r in caplog.records if 'stays in' in r.getMessage()]
    assert said.startswith('in runner: mail stays in its queue: that of our lists: ')
    assert '[plugin.qnet] of mailman.cfg is not enabled' in said
    assert runner._one_iteration() == 1
    assert not queued('in')


def test_without_our_delivery_ours_wait_and_others_are_sent(
    keeper: Keeper, core: Any, make_list: Any, caplog: Any
) -> None:
    """Another plugin has taken `[mta] outgoing`: our links would be unfilled (R15)."""
    ours = make_list('discussion')
    other = create_list(f'other@{ours.mail_host}', style_name='legacy-default')
    for mlist in (ours, other):
        text = message(POST.format(list=mlist.fqdn_listname))
        config.switchboards['out'].enqueue(
            text, listid=mlist.list_id, recipients=['reader@example.net']
        )
    send(None, 'operators@example.gov', 'qnet:operator:notice:shunted', 'X', SHUNTED)
    core.config.push('theirs', '[mta]\noutgoing: mailman.mta.deliver.deliver\n')
    try:
        runner = OutgoingRunner('out')
        runner._one_iteration()
        assert runner._one_iteration() == 0
        found = {each.text for each in examine(web=False, mail=False)}
    finally:
        core.config.pop('theirs')
    [(sender, _, _)] = keeper.sent
    assert sender == other.bounces_address
    assert len(queued('out')) == 2
    why = '[mta] outgoing in mailman.cfg is mailman.mta.deliver.deliver, which cannot'
    assert why in caplog.text
    assert any(text.startswith(why) for text in found)
    # A slow machine looks anew before all of them are sent.
    while queued('out'):
        OutgoingRunner('out')._one_iteration()
    assert len(keeper.sent) == 3
    assert not queued('out')


SHUNTED = dict.fromkeys(('stage', 'listname', 'message_id', 'reason'), 'x')


def test_the_posting_chain_asks_once_more(core: Any, waiting: Any) -> None:
    # A stock runner, as if the guard were not there: the mail is kept.
    from mailman.runners.incoming import IncomingRunner

    write_settings(core.var / 'qnet.cfg', domain='')
    with pytest.raises(site.NotReady):
        startup.setup()
    IncomingRunner('in')._one_iteration()
    assert not queued('pipeline')
    assert len(queued('shunt')) == 1


def test_a_database_that_is_away_leaves_mail_in_the_queue(
    core: Any, waiting: Any, caplog: pytest.LogCaptureFixture
) -> None:
    runner = runner_incoming.IncomingRunner('in')
    with database_away():
        assert runner._one_iteration() == 0
    assert 'the database does not answer: connection refused' in caplog.text
    assert len(queued('in')) == 1
    assert runner._one_iteration() == 1
    assert len(queued('pipeline')) == 1


def test_a_database_that_goes_away_in_the_middle_puts_the_message_back(
    core: Any, waiting: Any
) -> None:
    runner = runner_incoming.IncomingRunner('in')
    with database_away('qnet_poster', times=1):
        assert runner._one_iteration() == 0
    assert len(queued('in')) == 1
    assert not queued('shunt')
    assert runner._one_iteration() == 1
    assert len(queued('pipeline')) == 1


def test_a_message_that_always_fails_is_shunted_in_the_end(
    core: Any, waiting: Any
) -> None:
    runner = runner_incoming.IncomingRunner('in')
    with database_away('qnet_poster'):
        for _ in range(guard.MAX_PUT_BACK + 1):
            runner._one_iteration()
    assert not queued('in')
    assert len(queued('shunt')) == 1


def test_other_errors_are_shunted_as_ever(
    waiting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kws: Any) -> None:
        raise KeyError('a bug')

    monkeypatch.setattr(incoming, 'process', fail)
    run('in')
    assert len(queued('shunt')) == 1


def test_the_transaction_ends_before_the_message_leaves_the_queue(
    core: Any, waiting: Any
) -> None:
    runner = runner_incoming.IncomingRunner('in')
    seen = []

    def at_commit(conn: Any) -> None:
        seen.append(len(runner.switchboard.get_files('.bak')))

    event.listen(core.config.db.engine, 'commit', at_commit)
    try:
        runner._one_iteration()
    finally:
        event.remove(core.config.db.engine, 'commit', at_commit)
    assert 1 in seen


def test_what_mailman_writes_is_marked_as_automatic(make_list: Any) -> None:
    mlist = make_list()
    UserNotification('a@example.org', 'b@example.gov', 'Hello', 'Hello.\n').send(mlist)
    run('virgin')
    ((msg, _),) = queued('out')
    assert msg['auto-submitted'] == 'auto-generated'


def test_a_message_that_is_being_held_is_no_orphan(core: Any) -> None:
    folder = Path(core.config.MESSAGES_DIR) / 'AB' / 'CD'
    folder.mkdir(parents=True)
    young, old = folder / 'ABCDYOUNG', folder / 'ABCDOLD'
    for path in (young, old):
        path.write_bytes(b'x')
    two_days_ago = time.time() - 2 * 86400
    os.utime(old, (two_days_ago, two_days_ago))
    task.TaskRunner('task')._do_periodic()
    assert young.exists()
    assert not old.exists()


def test_a_held_message_is_kept_however_old(
    core: Any, configure: Any, make_list: Any
) -> None:
    mlist = make_list()
    post(mlist, message('From: a@example.com\r\n\r\nx\r\n'))
    run('in')
    (path,) = (p for p in Path(core.config.MESSAGES_DIR).rglob('*') if p.is_file())
    os.utime(path, (0, 0))
    task.TaskRunner('task')._do_periodic()
    assert path.exists()


def test_a_clock_that_is_wrong_loses_nothing(
    core: Any,
    waiting: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = stop_clock(monkeypatch, datetime(1970, 1, 1, 0, 5))
    runners = [
        runner_incoming.IncomingRunner('in'),
        OutgoingRunner('out'),
        bounce.BounceRunner('bounces'),
    ]
    with caplog.at_level(logging.ERROR, 'mailman.runner'):
        assert [runner._one_iteration() for runner in runners] == [0] * 3
    assert 'the clock of this host is wrong: it says 1970-01-01' in caplog.text
    told = [each for each in examine(web=False) if each.subject == 'clock']
    assert [each.level for each in told] == ['error']
    assert len(queued('in')) == 1
    clock.moment = datetime(2026, 11, 30)
    assert runners[0]._one_iteration() == 1
    assert not queued('shunt')
    assert [e for e in examine(web=False) if e.subject == 'clock'] == []


def test_a_runner_with_nothing_to_do_asks_its_folder_alone(
    core: Any, waiting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the database nor a lock: the rounds of a second of an idle site."""
    in_, archive = runner_incoming.IncomingRunner('in'), ArchiveRunner('archive')
    opened: list[str] = []
    monkeypatch.setattr(standstill, '_opened', opened.append)
    with effort() as idle:
        for _ in range(3):
            assert archive._one_iteration() == 0
            archive._do_periodic()
    assert not idle.statements and not opened
    monkeypatch.undo()
    # What comes is seen in the next round.
    with effort() as busy:
        assert in_._one_iteration() == 1
    assert busy.statements
