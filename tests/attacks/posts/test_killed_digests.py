# SPDX-License-Identifier: GPL-3.0-or-later
"""The attack: a process that is killed, or overtaken, while it is at a digest (R33).

Stock leaves the lock of a file behind, and shunts every later post to that list.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mailman.commands.cli_digests import digests as stock_command
from mailman.config import config
from mailman.interfaces.member import DeliveryMode
from sqlalchemy import delete, event

from qnet_mailman.lists import digests
from qnet_mailman.model import digests as rows
from qnet_mailman.runners.digest import DigestRunner
from qnet_mailman.runners.pipeline import PipelineRunner
from tests.helpers import empty, message, post, queued, run
from tests.killed import KILLED, in_a_process
from tests.rest.client import ask

MEMBER = 'lee@example.org'
READERS = {
    'mime@example.net': DeliveryMode.mime_digests,
    'text@example.net': DeliveryMode.plaintext_digests,
}

pytestmark = pytest.mark.mlist('discussion', members=[MEMBER], digests=READERS)


def put(mlist: Any, number: int, text: str = 'Hello.') -> None:
    """A post that waits to be prepared for delivery."""
    raw = (
        f'From: {MEMBER}\nTo: {mlist.fqdn_listname}\nSubject: News {number}\n'
        f'Message-ID: <{number}@example.org>\n\n{text} ({number})\n'
    )
    post(mlist, message(raw, MEMBER))
    run('in')


def work(*runners: Any) -> None:
    while sum(runner._one_iteration() for runner in runners):
        pass
    config.db.commit()


def send(mlist: Any) -> dict[str, str]:
    """Have the digest made; the text that each reader gets."""
    digests.send_now(mlist, force=True)
    work(DigestRunner('digest'))
    found = {
        reader: msg.as_string()
        for msg, data in queued('virgin')
        if data.get('isdigest')
        for reader in data['recipients']
    }
    empty('virgin')
    return found


def test_whoever_gets_digests_gets_each_post_in_one(mlist: Any) -> None:
    for number in (1, 2):
        put(mlist, number, 'From me.\nFrom here: \x01\x01\x01\x01')
    work(PipelineRunner('pipeline'))
    number = mlist.next_digest_number
    found = send(mlist)
    assert found.keys() == READERS.keys()
    for text in found.values():
        assert text.count('(1)') == text.count('(2)') == 1
        # Not ">From", as in a folder of mails.
        assert text.count('\nFrom here: ') == 2
    assert mlist.next_digest_number == number + 1
    assert send(mlist) == {}
    assert mlist.next_digest_number == number + 1


def by_command(mlist: Any) -> None:
    result = CliRunner().invoke(
        stock_command, ['--send', '--list', mlist.fqdn_listname]
    )
    assert result.exit_code == 0, result.output


def over_rest(mlist: Any) -> None:
    answer = ask('POST', f'lists/{mlist.list_id}/digest', {'send': True})
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize('way', [by_command, over_rest])
def test_every_way_in_sends_what_waits(mlist: Any, way: Callable[[Any], None]) -> None:
    put(mlist, 1)
    work(PipelineRunner('pipeline'))
    way(mlist)
    work(DigestRunner('digest'))
    assert sum(1 for _msg, data in queued('virgin') if data.get('isdigest')) == 2


def test_a_lock_and_posts_that_mailman_left(mlist: Any) -> None:
    folder = Path(mlist.data_path)
    old = f'From: {MEMBER}\nSubject: Old\n\nOld. (0)\n'
    stock = message(old, MEMBER)
    config.handlers['to-digest'].process(mlist, stock, {})
    lock = folder / 'digest.mmdf.lock'
    lock.write_text('')
    put(mlist, 1)
    work(PipelineRunner('pipeline'))
    assert not queued('shunt')
    assert rows.size_of(mlist.list_id) > 0
    for text in send(mlist).values():
        assert text.count('(0)') == text.count('(1)') == 1
    assert not list(folder.iterdir())


def test_of_two_at_once_one_makes_it(
    mlist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(mlist, 1)
    work(PipelineRunner('pipeline'))
    number = mlist.next_digest_number
    made = digests._made

    def overtaken(*args: Any) -> Any:
        # Another process has committed its own meanwhile.
        with config.db.engine.begin() as connection:
            connection.execute(delete(rows.QNetDigestPost))
        return made(*args)

    monkeypatch.setattr(digests, '_made', overtaken)
    digests.send_now(mlist, force=True)
    runner = DigestRunner('digest')
    assert runner._one_iteration() == 0
    assert queued('virgin') == [] and queued('shunt') == []
    assert len(queued('digest')) == 1
    work(runner)
    assert queued('virgin') == [] and queued('digest') == []
    assert mlist.next_digest_number == number


def test_one_that_cannot_be_shown_keeps_no_other_from_its_readers(
    mlist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        put(mlist, number)
    work(PipelineRunner('pipeline'))
    add = digests.RFC1153Digester.add_message

    def fail(self: Any, msg: Any, count: int) -> Any:
        if 'News 1' in str(msg['subject']):
            raise LookupError('x-no-such')
        return add(self, msg, count)

    monkeypatch.setattr(digests.RFC1153Digester, 'add_message', fail)
    found = send(mlist)
    assert found.keys() == READERS.keys()
    for text in found.values():
        assert '(1)' not in text and text.count('(2)') == 1
        assert 'cannot be shown' in text


# ---------------------------------------------------------------------- kills


def work_in_a_process(die_at: int) -> int:
    """Prepare what waits and make the digest, in a process that is killed.

    :param die_at: At which of the points that change something outside it; 0 for none.
    :return: Its exit status.
    """
    left = [die_at]

    def reach(*_args: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            os._exit(KILLED)

    def audit(name: str, args: Any) -> None:
        if name in ('os.rename', 'os.remove', 'os.rmdir'):
            reach()

    def begin() -> None:
        sys.addaudithook(audit)
        event.listen(config.db.engine, 'commit', reach)
        work(PipelineRunner('pipeline'), DigestRunner('digest'))

    return in_a_process(begin)


def kill_at(mlist: Any, die_at: int) -> int:
    """Kill at a point, and look what the readers get in the end."""
    put(mlist, die_at)
    status = work_in_a_process(die_at)
    assert status in (0, KILLED)
    assert work_in_a_process(0) == 0
    assert not queued('shunt') and not queued('bad')
    texts: dict[str, str] = {}
    for msg, data in queued('virgin'):
        for reader in data['recipients']:
            assert reader not in texts, die_at
            texts[reader] = msg.as_string()
    assert texts.keys() == READERS.keys(), die_at
    assert all(text.count(f'({die_at})') == 1 for text in texts.values()), die_at
    empty('virgin', 'out', 'archive')
    return status


@pytest.fixture
def small(mlist: Any) -> None:
    """Each post makes a digest."""
    mlist.digest_size_threshold = 0.001
    config.db.commit()


@pytest.mark.parametrize('die_at', [2, 9, 14])
def test_killed(core: Any, mlist: Any, small: None, die_at: int) -> None:
    assert kill_at(mlist, die_at) == KILLED


@pytest.mark.long
@pytest.mark.landing
def test_killed_anywhere(core: Any, mlist: Any, small: None) -> None:
    for die_at in itertools.count(1):
        if kill_at(mlist, die_at) == 0:
            break
    assert die_at > 12
