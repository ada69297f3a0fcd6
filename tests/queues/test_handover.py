# SPDX-License-Identifier: GPL-3.0-or-later
"""A runner killed at any point loses nothing and hands nothing on twice (R33)."""

from __future__ import annotations

import errno
import itertools
import os
import pickle
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from mailman.config import config
from mailman.core.switchboard import Switchboard
from mailman.utilities.datetime import now
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError

from qnet_mailman.model import queues
from qnet_mailman.model.base import store
from qnet_mailman.model.queues import QNetHandover
from qnet_mailman.mta import refusal
from qnet_mailman.queues import handover
from qnet_mailman.runners import guard, incoming, outgoing, pipeline, retry
from tests.effort import effort
from tests.helpers import empty, message, post, queued
from tests.killed import KILLED, in_a_process

READERS = [f'reader{number}@example.net' for number in range(5)]
RAW = (
    'From: pat@agency.example.gov\r\nTo: {list}\r\nSubject: News\r\n'
    'Message-ID: <{id}@example.net>\r\n\r\nNews.\r\n'
)
RUNNERS = {
    'in': incoming.IncomingRunner,
    'pipeline': pipeline.PipelineRunner,
    'out': outgoing.OutgoingRunner,
    'retry': retry.RetryRunner,
}

pytestmark = pytest.mark.mlist(
    administrators=['pat@agency.example.gov'], members=READERS, digests_enabled=False
)


@pytest.fixture(autouse=True)
def posters_show_nothing(configure: Any) -> None:
    configure(poster_authentication='off')


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of two, and no more than two parts at a time."""
    monkeypatch.setattr(outgoing, 'BATCH', 2)
    monkeypatch.setattr(outgoing, 'PARTS', 2)


def put(mlist: Any, number: int = 1) -> None:
    post(mlist, message(RAW.format(list=mlist.fqdn_listname, id=number)))


def runner_of(name: str, delivered: Any = None) -> Any:
    """A runner that was just started."""
    runner = RUNNERS[name](name)
    if delivered is not None:
        runner._deliver = delivered
    return runner


class Points:
    """Counts what changes something outside this process, and dies at one of them."""

    def __init__(self, die_at: int) -> None:
        self.left = die_at

    def reach(self, *args: Any) -> None:
        self.left -= 1
        if self.left == 0:
            os._exit(KILLED)

    def audit(self, name: str, args: Any) -> None:
        if name in ('os.rename', 'os.remove', 'os.mkdir', 'os.rmdir') or (
            name == 'open' and '/queue/' in str(args[0]) and 'r' not in str(args[1])
        ):
            self.reach()


def work_in_a_process(log: Path, die_at: int | None) -> int:
    """Work off all queues in a process of its own, which is killed at a point.

    :return: Its exit status.
    """
    points = Points(die_at or -1)

    def deliver(mlist: Any, msg: Any, msgdata: dict[str, Any]) -> None:
        for recipient in msgdata['recipients']:
            points.reach()
            with log.open('a') as file:
                file.write(f'{recipient}\n')

    def begin() -> None:
        sys.addaudithook(points.audit)
        event.listen(config.db.engine, 'commit', points.reach)
        event.listen(config.db.engine, 'rollback', points.reach)
        runners = {}
        while any(config.switchboards[name].files for name in RUNNERS) or any(
            config.switchboards[name].get_files('.bak') for name in RUNNERS
        ):
            for name in RUNNERS:
                if name not in runners:
                    runners[name] = runner_of(name, deliver)
                runners[name]._one_iteration()
        for runner in runners.values():
            runner._clean_up()

    return in_a_process(begin)


@pytest.mark.long
@pytest.mark.landing
def test_killed_anywhere(core: Any, mlist: Any, small: None, tmp_path: Path) -> None:
    log = tmp_path / 'log'
    for die_at in itertools.count(1):
        log.write_text('')
        put(mlist, die_at)
        status = work_in_a_process(log, die_at)
        assert status in (0, KILLED)
        if status:
            assert work_in_a_process(log, None) == 0
        copies = Counter(log.read_text().split())
        assert set(copies) == set(READERS), die_at
        twice = sorted(reader for reader, count in copies.items() if count > 1)
        assert len(twice) <= 2 and max(copies.values()) <= 2, (die_at, copies)
        # Once in the archive's queue, and nowhere else.
        assert len(queued('archive')) == 1, die_at
        empty('archive')
        for name in ('bad', 'shunt', 'virgin', *RUNNERS):
            assert not os.listdir(config.switchboards[name].queue_directory), die_at
        waiting = Path(config.QUEUE_DIR, handover.FOLDER)
        assert not waiting.exists() or not os.listdir(waiting), die_at
        if status == 0:
            break
    # All the hand-overs, commits and copies of a post.
    assert die_at > 60
    # Of each runner that was killed, but of no other.
    left = store().scalar(select(func.count(QNetHandover.entry))) or 0
    assert left < die_at * len(RUNNERS)


def test_rows_of_entries_long_gone_are_swept(core: Any) -> None:
    handover.Handover('in', '1.0+ab').write_row()
    queues.sweep(now())
    assert store().scalar(select(func.count(QNetHandover.entry))) == 1
    queues.sweep(now() + queues.KEPT + timedelta(days=1))
    assert store().scalar(select(func.count(QNetHandover.entry))) == 0


def test_what_fails_hands_nothing_on(
    core: Any, mlist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(mlist)
    runner_of('in')._one_iteration()

    def fail(*args: Any) -> None:
        raise RuntimeError('a fault after the archive was given its copy')

    handler = config.handlers['to-outgoing']
    monkeypatch.setattr(type(handler), 'process', fail)
    runner_of('pipeline')._one_iteration()
    assert not queued('archive')
    assert len(queued('shunt')) == 1
    monkeypatch.undo()


class Commits:
    """The database's; the answer to the first that makes an entry done is lost."""

    def __init__(self) -> None:
        self.commit = config.db.commit
        self.lost = 0

    def __call__(self) -> None:
        self.commit()
        if store().scalar(select(func.count(QNetHandover.entry))) and not self.lost:
            self.lost += 1
            raise OperationalError('COMMIT', {}, Exception('connection lost'))


def test_a_commit_of_which_nobody_knows_whether_it_was_done(
    core: Any, mlist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(mlist)
    runner = runner_of('in')
    commits = Commits()
    monkeypatch.setattr(config.db, 'commit', commits)
    assert runner._one_iteration() == 0
    assert not queued('pipeline')
    assert len(queued('in')) == 1
    assert runner._one_iteration() == 1
    assert commits.lost and len(queued('pipeline')) == 1
    assert not queued('in')


def two_slices(deliver: Any) -> list[Any]:
    config.push('slices', '[runner.out]\ninstances: 2\n')
    try:
        runners = [outgoing.OutgoingRunner('out', number) for number in range(2)]
    finally:
        config.pop('slices')
    for runner in runners:
        runner._deliver = deliver
    return runners


def test_and_another_slice_takes_it(
    core: Any, mlist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    one, two = two_slices(lambda mlist, msg, msgdata: sent.append(msg['subject']))
    # It came after both were started; the database alone knows that it is done.
    config.switchboards['out'].enqueue(
        message('Subject: x\n\nx\n'), listid=mlist.list_id, recipients=READERS
    )
    commits = Commits()
    monkeypatch.setattr(config.db, 'commit', commits)
    assert one._one_iteration() == 0
    assert commits.lost and len(queued('out')) == 1
    assert two._one_iteration() == 1
    assert sent == ['x'] and not queued('out')


@pytest.mark.parametrize('where', ['fsync', 'rename'])
def test_a_full_disk(
    core: Any, mlist: Any, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    put(mlist)
    real = getattr(os, where)
    full = [True]

    def write(*args: Any) -> None:
        # A file can be renamed in its folder; a folder that grows needs space.
        if full[0] and (where == 'fsync' or str(args[1]).find('/pipeline/') > 0):
            raise OSError(errno.ENOSPC, 'No space left on device')
        real(*args)

    runner = runner_of('in')
    monkeypatch.setattr(os, where, write)
    for _ in range(guard.MAX_PUT_BACK + 5):
        assert runner._one_iteration() == 0
    monkeypatch.undo()
    full[0] = False
    assert len(queued('in')) == 1
    assert not queued('shunt') and not queued('pipeline')
    assert runner._one_iteration() == 1
    assert len(queued('pipeline')) == 1
    assert not os.listdir(config.switchboards['bad'].queue_directory)


def test_a_full_disk_of_the_database(
    core: Any, mlist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(mlist)
    runner = runner_of('in')

    def refuse(self: Any) -> None:
        raise OperationalError('INSERT', {}, Exception('database or disk is full'))

    monkeypatch.setattr(handover.Handover, 'write_row', refuse)
    for _ in range(guard.MAX_PUT_BACK + 5):
        assert runner._one_iteration() == 0
    monkeypatch.undo()
    assert runner._one_iteration() == 1
    assert len(queued('pipeline')) == 1


def test_recovering_spoils_nothing(
    core: Any, mlist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(mlist)
    board = config.switchboards['in']
    board.dequeue(board.files[0])

    def full(*args: Any) -> None:
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(OSError, match='No space'):
        runner_of('in')
    monkeypatch.undo()
    runner_of('in')
    ((msg, msgdata),) = queued('in')
    assert msg['subject'] == 'News' and msgdata['listid'] == mlist.list_id


def test_what_kills_its_runner_again_and_again_is_put_aside(
    core: Any, mlist: Any
) -> None:
    put(mlist)
    board = config.switchboards['in']
    for _ in range(3):
        board.dequeue(board.files[0])
        runner_of('in')
    assert not queued('in')
    (kept,) = os.listdir(config.switchboards['bad'].queue_directory)
    assert kept.endswith('.psv')


def test_unless_its_work_was_done(core: Any, mlist: Any) -> None:
    put(mlist)
    board = config.switchboards['in']
    (filebase,) = board.files
    handover.Handover('in', filebase).write_row()
    config.db.commit()
    for _ in range(4):
        board.dequeue(filebase)
        runner = runner_of('in')
    assert runner._one_iteration() == 1
    assert not os.listdir(config.switchboards['bad'].queue_directory)
    assert not os.listdir(board.queue_directory)
    runner._clean_up()
    assert store().scalar(select(func.count(QNetHandover.entry))) == 0


def test_a_power_cut_may_have_taken_back_the_renaming(core: Any, mlist: Any) -> None:
    put(mlist)
    board = config.switchboards['in']
    (filebase,) = board.files
    entry = handover.Handover('in', filebase)
    with handover.collecting(entry):
        config.switchboards['pipeline'].enqueue(message(RAW.format(list='x', id=1)))
        entry.write_row()
    config.db.commit()
    assert runner_of('in')._one_iteration() == 1
    ((msg, _),) = queued('pipeline')
    assert msg['to'] == 'x' and not board.files


def test_an_entry_takes_one_statement_and_one_row(core: Any, mlist: Any) -> None:
    runner = runner_of('in')
    for number in range(3):
        put(mlist, number)
    with effort() as found:
        assert runner._one_iteration() == 3
    about = [each for each in found.statements if 'qnet_handover' in each]
    assert [each.split()[0] for each in about] == ['INSERT', 'UPDATE', 'UPDATE']
    assert store().scalar(select(func.count(QNetHandover.entry))) == 1
    # Where it was swept meanwhile.
    queues.sweep(now() + queues.KEPT + timedelta(days=1))
    put(mlist, 4)
    assert runner._one_iteration() == 1
    assert store().scalar(select(func.count(QNetHandover.entry))) == 1
    runner._clean_up()
    assert store().scalar(select(func.count(QNetHandover.entry))) == 0


def test_an_unreadable_entry_is_put_aside(core: Any) -> None:
    directory = config.switchboards['in'].queue_directory
    Path(directory, '1.0+ab.bak').write_bytes(pickle.dumps('only one'))
    runner_of('in')
    assert os.listdir(config.switchboards['bad'].queue_directory) == ['1.0+ab.psv']


def test_told_to_stop_a_runner_finishes_its_message(core: Any, mlist: Any) -> None:
    sent: list[str] = []
    put(mlist)
    for name in ('in', 'pipeline'):
        runner_of(name)._one_iteration()

    def deliver(mlist: Any, msg: Any, msgdata: dict[str, Any]) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        sent.extend(msgdata['recipients'])

    runner = runner_of('out', deliver)
    before = signal.getsignal(signal.SIGTERM)
    others = {
        one: signal.getsignal(one)
        for one in (signal.SIGHUP, signal.SIGINT, signal.SIGUSR1)
    }
    runner.set_signals()
    try:
        runner.run()
    finally:
        signal.signal(signal.SIGTERM, before)
        for one, handler in others.items():
            signal.signal(one, handler)
    assert sorted(sent) == READERS
    assert not os.listdir(config.switchboards['out'].queue_directory)


# -------------------------------------------------------------- taking turns


@pytest.fixture
def out(core: Any) -> Iterator[handover.FairInbox]:
    folder = config.switchboards['out'].queue_directory
    yield handover.FairInbox('out', folder)


def enter(board: Switchboard, when: str, count: int = 1) -> None:
    for number in range(count):
        Path(board.queue_directory, f'{when}+{number:040x}.pck').touch()


def turns(board: handover.FairInbox, count: int) -> list[str]:
    """The posts that get a turn, where the queue is looked at before each."""
    found = []
    for _ in range(count):
        first = board.get_files()[0]
        board._turns[first.partition('+')[0]] = next(board._count)
        os.unlink(f'{board.queue_directory}/{first}.pck')
        found.append(first.partition('+')[0])
    return found


def test_posts_take_turns(out: handover.FairInbox) -> None:
    enter(out, '100.0', 20)
    enter(out, '200.0', 20)
    assert Counter(turns(out, 8)).keys() == {'100.0', '200.0'}
    assert abs(turns(out, 10).count('100.0') - 5) <= 2
    enter(out, '300.0')
    assert '300.0' in turns(out, 2)


def test_one_look_is_enough_for_all(out: handover.FairInbox) -> None:
    enter(out, '100.0', 3)
    enter(out, '200.0', 1)
    found = [name.partition('+')[0] for name in out.get_files()]
    assert found == ['100.0', '200.0', '100.0', '100.0']


def test_nobody_starves(out: handover.FairInbox) -> None:
    enter(out, '100.0', 2)
    turns(out, 1)
    for number in range(200, 200 + 3 * handover.OLDEST_EVERY):
        enter(out, f'{number}.0')
    assert '100.0' in turns(out, 2 * handover.OLDEST_EVERY)


def slices(count: int = 2) -> list[handover.FairInbox]:
    folder = config.switchboards['out'].queue_directory
    return [handover.FairInbox('out', folder, n, count, True) for n in range(count)]


def test_slices_take_what_no_other_has(core: Any) -> None:
    one, two = slices()
    enter(one, '100.0', 3)
    names = list.copy(one.get_files())
    mine, others = iter(one.get_files()), iter(two.get_files())
    assert [next(mine), next(others), next(mine)] == names
    assert next(others, None) is None
    # Done, or left: what was looked at before is not there, or free again.
    os.unlink(Path(one.queue_directory, f'{names[0]}.pck'))
    del mine, others
    assert list(two.get_files()) == names[1:]


def test_slices_are_fair(core: Any) -> None:
    boards = slices()
    enter(boards[0], '100.0', 20)
    for board in boards:
        turns(board, 1)
        enter(board, '200.0')
        assert turns(board, 2).count('200.0') == 1


def test_a_slice_that_starts_leaves_what_another_is_at(core: Any, mlist: Any) -> None:
    config.switchboards['out'].enqueue(message('Subject: x\n\nx\n'), listid='x')
    one, _two = slices()
    for filebase in one.files:
        one.dequeue(filebase)
        assert not list(slices()[1].files)
    # That one was killed: its claim is gone, and its entry is not.
    _one, two = slices()
    (again,) = two.files
    assert again == filebase


def test_a_slice_with_nothing_left_rests(core: Any, mlist: Any) -> None:
    config.switchboards['out'].enqueue(
        message('Subject: x\n\nx\n'), listid=mlist.list_id, recipients=READERS
    )
    rested = []

    def deliver(mlist: Any, msg: Any, msgdata: dict[str, Any]) -> None:
        rested.append(two._one_iteration())

    one, two = two_slices(deliver)
    assert one._one_iteration() == 1
    assert rested == [0]


def test_a_large_post_is_split(core: Any, mlist: Any, small: None) -> None:
    put(mlist)
    for name in ('in', 'pipeline'):
        runner_of(name)._one_iteration()
    batches: list[list[str]] = []

    def deliver(mlist: Any, msg: Any, msgdata: dict[str, Any]) -> None:
        batches.append(sorted(msgdata['recipients']))
        if READERS[0] in batches[-1] and len(batches) < 5:
            raise refusal.RecipientsFailed({READERS[0]: (451, 'later')}, [])

    runner = runner_of('out', deliver)
    runner._one_iteration()
    names = runner.switchboard.files
    assert len(names) == 2
    (when,) = {name.partition('+')[0] for name in names}
    while runner._one_iteration():
        pass
    assert sorted(batches) == [READERS[:2], READERS[2:4], READERS[4:]]
    # What comes back is still of that post.
    runner_of('retry')._one_iteration()
    (again,) = config.switchboards['out'].files
    assert again.startswith(f'{when}+')
    assert queued('out')[0][1]['recipients'] == [READERS[0]]


def test_at_most_so_many_parts() -> None:
    for count in (1, 1000, 1001, 31_999, 32_001, 100_000):
        found = list(outgoing.parts([f'{n:06}' for n in range(count)]))
        assert len(found) <= outgoing.PARTS
        assert sum(map(len, found)) == count
        assert all(len(part) % 1000 == 0 for part in found[:-1])
