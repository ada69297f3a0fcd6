# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail that its stage cannot process: operators are told once, and `check` says why."""

from __future__ import annotations

import os
import pickle
from typing import Any

import pytest
from click.testing import CliRunner
from mailman.app.lifecycle import remove_list
from mailman.config import config
from mailman.core.switchboard import MAX_BAK_COUNT

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.health.looking import examine
from qnet_mailman.runners import incoming, pipeline
from tests.effort import database_away
from tests.helpers import message, post, queued, text_of

MEMBER = 'lee@example.org'

pytestmark = pytest.mark.mlist('discussion', members=[MEMBER])


def put(mlist: Any, number: int) -> None:
    raw = (
        f'From: {MEMBER}\nTo: {mlist.fqdn_listname}\nSubject: Secret plans\n'
        f'Message-ID: <{number}@example.org>\n\nHello.\n'
    )
    post(mlist, message(raw, MEMBER))


def break_(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Let the chain fail at every post."""

    def fail(*_args: Any) -> Any:
        raise error

    monkeypatch.setattr(incoming.incoming, 'process', fail)


def found(queue: str) -> list[str]:
    return [one.text for one in examine(web=False) if one.subject == f'queue {queue}']


def notices() -> list[Any]:
    """The mails that the site has written to operators."""
    return [msg for msg, _data in queued('out')]


def test_operators_are_told_once_and_check_names_the_reason(
    mlist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_(monkeypatch, ValueError('no month\n13'))
    for number in range(3):
        put(mlist, number)
    incoming.IncomingRunner('in')._one_iteration()
    assert len(queued('shunt')) == 3
    (notice,) = notices()
    text = text_of(notice)
    assert {'operators@example.gov', 'help@example.gov'} <= notice.recipients
    for what in (
        'ValueError: no month 13',
        '<0@example.org>',
        mlist.list_id,
        'mailman qnet check',
    ):
        assert what in text
    assert 'Secret plans' not in text
    assert found('shunt') == [
        '3 messages need a look',
        '3: from the queue in: ValueError: no month 13',
    ]
    # Of another kind of failure they are told, too; not of other words for the same.
    break_(monkeypatch, ValueError('no month 14'))
    put(mlist, 3)
    incoming.IncomingRunner('in')._one_iteration()
    assert len(notices()) == 1
    break_(monkeypatch, KeyError('x'))
    put(mlist, 4)
    incoming.IncomingRunner('in')._one_iteration()
    assert len(notices()) == 2
    assert len(found('shunt')) == 4
    result = CliRunner().invoke(qnet, ['check'])
    assert '3: from the queue in: ValueError: no month 13' in result.output
    assert result.exit_code != 0


def test_what_works_again_leaves_nothing(
    mlist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        break_(broken, ValueError('x'))
        put(mlist, 1)
        incoming.IncomingRunner('in')._one_iteration()
    ((msg, data),) = queued('shunt')
    board = config.switchboards['shunt']
    for filebase in board.files:
        os.unlink(os.path.join(board.queue_directory, f'{filebase}.pck'))
    # As `mailman unshunt` does.
    config.switchboards[data['whichq']].enqueue(msg, data)
    incoming.IncomingRunner('in')._one_iteration()
    pipeline.PipelineRunner('pipeline')._one_iteration()
    assert queued('shunt') == [] and found('shunt') == []
    assert len(notices()) == 2


def test_a_list_that_is_gone(mlist: Any) -> None:
    for number in range(2):
        put(mlist, number)
    list_id = mlist.list_id
    remove_list(mlist)
    config.db.commit()
    incoming.IncomingRunner('in')._one_iteration()
    assert len(queued('shunt')) == 2
    assert len(notices()) == 1
    assert found('shunt')[1:] == [f'2: there is no list {list_id} (any more)']


def test_entries_that_cannot_be_read(mlist: Any) -> None:
    folder = config.switchboards['bad'].queue_directory
    dead = {'_bak_count': MAX_BAK_COUNT, 'listid': mlist.list_id}
    for name, content in (
        ('1.0+a', b'no pickle'),
        ('2.0+b', pickle.dumps(message('Subject: x\n\nx\n')) + pickle.dumps(dead)),
    ):
        with open(os.path.join(folder, f'{name}.psv'), 'wb') as file:
            file.write(content)
    assert sorted(found('bad')[1:]) == [
        '1: cannot be read (UnpicklingError)',
        f'1: its runner ended at it {MAX_BAK_COUNT} times',
    ]


def test_a_database_that_is_away_then_hides_no_failure(
    mlist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(mlist, 1)
    break_(monkeypatch, ValueError('x'))
    with database_away('qnet_limit'):
        incoming.IncomingRunner('in')._one_iteration()
    assert len(queued('shunt')) == 1
    assert found('shunt')[1:] == ['1: from the queue in: ValueError: x']
