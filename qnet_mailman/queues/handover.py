# SPDX-License-Identifier: GPL-3.0-or-later
"""From queue to queue, each message once, whenever a runner is killed (R33).

Stock puts what comes of a message into the next queues while it works, commits, and
then removes the message from its own queue.  A runner that is killed in between does
it all again: a post goes out twice.  Here

1. what a runner enqueues waits in a folder of its own, ``queue/handover``, and what it
   writes to the database waits until the computing is done (:func:`later`);
2. the commit of its work also writes a row that says so: from then on it is done;
3. what waits is moved to its queues, and the entry is removed.

A runner has one row, which names the entry that it did last: it changes with the commit
of the next, so that an entry takes one commit, and goes when the runner stops.

A runner looks for the row of an entry that may have been begun, by one that was killed.
Where there is one, the work is done and only step 3 is left; where there is none, what
waits is thrown away and the work done from the beginning.  Nobody has begun an entry
that came since the runner started, and was not recovered.

All queues have to be in one file system, as they are unless somebody moved one.
"""

from __future__ import annotations

import itertools
import os
import pickle
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mailman.config import config
from mailman.core.switchboard import MAX_BAK_COUNT, Switchboard
from mailman.utilities.datetime import now
from sqlalchemy import DateTime, bindparam, text

from qnet_mailman.model.base import store
from qnet_mailman.queues import claims

FOLDER = 'handover'
"""Beside the queues."""

SAME_POST = frozenset({'out', 'retry'})
"""Queues between which an entry keeps its time, by which :class:`FairInbox` knows the
entries of one post."""

PUT_OFF = 0.25
"""Seconds for which an entry that was put off is not seen."""

BAK_COUNT = '_bak_count'
"""Mailman's, in the metadata of an entry that was recovered: how often it was."""

OLDEST_EVERY = 4
"""Once in so many looks the oldest entry comes first, whatever else is there."""


# Text, as each entry of a queue asks: what SQLAlchemy makes of more than that takes
# longer than the database.
_DONE_AT = bindparam('done_at', type_=DateTime)
_FIND = text('SELECT 1 FROM qnet_handover WHERE entry = :entry')
_INSERT = text(
    'INSERT INTO qnet_handover (entry, done_at) VALUES (:entry, :done_at)'
).bindparams(_DONE_AT)
_REPLACE = text(
    'UPDATE qnet_handover SET entry = :entry, done_at = :done_at WHERE entry = :before'
).bindparams(_DONE_AT)
_DELETE = text('DELETE FROM qnet_handover WHERE entry = :entry')


class _Staging(Switchboard):
    """A folder in which entries for a queue wait."""

    def __init__(self, folder: str) -> None:
        self.queue_directory = folder


class Handover:
    """What comes of one entry of a queue.

    :ivar entry: The name of its row.
    """

    def __init__(
        self, queue: str, filebase: str, *, is_new: bool = False, instead_of: str = ''
    ) -> None:
        """One entry.

        :param is_new: Whether nobody can have begun it before.
        :param instead_of: The name of a row that nobody needs any more.
        """
        self._queue = queue
        self._filebase = filebase
        self._is_new = is_new
        self._instead_of = instead_of
        self.entry = f'{queue}/{filebase}'
        self._folder = f'{config.QUEUE_DIR}/{FOLDER}/{queue}+{filebase}'
        self._staged: set[str] = set()
        self._late: list[Callable[[], None]] = []

    def is_done(self) -> bool:
        """Whether its work was committed, by a runner that was then killed."""
        if self._is_new:
            return False
        return store().execute(_FIND, {'entry': self.entry}).first() is not None

    def stage(
        self, target: Queue, msg: Any, metadata: dict[str, Any] | None, kws: Any
    ) -> str:
        """Write an entry for another queue, where no runner sees it yet.

        :return: Its name.
        """
        folder = f'{self._folder}/{target.name}'
        if target.name not in self._staged:
            self._staged.add(target.name)
            os.makedirs(folder, mode=0o770, exist_ok=True)
        try:
            filebase: str = _Staging(folder).enqueue(msg, metadata, **kws)
        except OSError:
            # Half an entry takes space that there may be none of.
            for half in Path(folder).glob('*.tmp'):
                half.unlink()
            raise
        if {self._queue, target.name} <= SAME_POST:
            when = self._filebase.partition('+')[0]
            kept = f'{when}+{filebase.partition("+")[2]}'
            os.rename(f'{folder}/{filebase}.pck', f'{folder}/{kept}.pck')
            filebase = kept
        return filebase

    def has_put_into(self, queue: str) -> bool:
        """Whether something was put into a queue, where it waits."""
        return queue in self._staged

    def put_off(self, work: Callable[[], None]) -> None:
        """Take what is to be done by :meth:`do_late_work`."""
        self._late.append(work)

    def do_late_work(self) -> None:
        """Do what was put off (:func:`later`), in the order of its coming."""
        while self._late:
            self._late.pop(0)()

    def write_row(self) -> None:
        """Say, in the transaction of the work, that it is done."""
        values = {'entry': self.entry, 'done_at': now(), 'before': self._instead_of}
        if not (
            self._instead_of and store().execute(_REPLACE, values).rowcount  # type: ignore[attr-defined]
        ):
            store().execute(_INSERT, values)

    def publish(self) -> None:
        """Move what waits to its queues; the row goes with the next commit."""
        self.move()
        remove_row(self.entry)

    def move(self) -> None:
        """Move what waits to its queues."""
        if self._is_new and not self._staged:
            return
        folders = os.listdir(self._folder) if os.path.isdir(self._folder) else []
        for target in folders:
            directory = config.switchboards[target].queue_directory
            folder = f'{self._folder}/{target}'
            for name in os.listdir(folder):
                os.rename(f'{folder}/{name}', f'{directory}/{name}')
        self.discard()

    def discard(self) -> None:
        """Throw away what waits."""
        if self._is_new and not self._staged:
            return
        shutil.rmtree(self._folder, ignore_errors=True)
        self._staged.clear()


def remove_row(entry: str) -> None:
    """Forget an entry that is handed over."""
    store().execute(_DELETE, {'entry': entry})


def left_by(queue: str) -> Iterator[Handover]:
    """What was not handed over to the end, by processes that were killed.

    :param queue: What they are named after.
    """
    for folder in sorted(Path(config.QUEUE_DIR, FOLDER).glob(f'{queue}+*')):
        yield Handover(queue, folder.name.partition('+')[2])


_current: Handover | None = None


@contextmanager
def collecting(handover: Handover) -> Iterator[None]:
    """Within this, what is enqueued waits for the commit; dropped if that fails."""
    global _current
    _current = handover
    try:
        yield
    except BaseException:
        handover.discard()
        raise
    finally:
        _current = None


def later(work: Callable[[], None]) -> None:
    """Do something at the end of the work on the entry at hand, before its commit.

    What writes to the database belongs there: from its first statement that does,
    SQLite lets no other process write until the commit, and no computing that a
    stranger can make long may come between.  Where no entry is at hand, it is done at
    once.
    """
    if _current is None:
        work()
    else:
        _current.put_off(work)


class Queue(Switchboard):
    """A queue to which entries are handed over."""

    def enqueue(
        self, _msg: Any, _metadata: dict[str, Any] | None = None, **kws: Any
    ) -> str:
        """See `ISwitchboard`."""
        if _current is not None:
            return _current.stage(self, _msg, _metadata, kws)
        filebase: str = super().enqueue(_msg, _metadata, **kws)
        return filebase


def use_handover() -> None:
    """Let this process, a runner, hand over what it enqueues."""
    for name, board in config.switchboards.items():
        if not isinstance(board, Queue):
            config.switchboards[name] = Queue(name, board.queue_directory)


class Inbox(Queue):
    """The queue that a runner works off.

    :ivar taken: The entry at work.
    :ivar last: The name of the row of the entry that was done last.
    :ivar stays: Says of an entry's metadata whether it stays, as if it were not there;
        None where all are worked off.
    :ivar staying: The entries of which it said so, or did not, by their names.
    """

    taken = ''
    last = ''
    is_shared = False
    stays: Callable[[dict[str, Any]], bool] | None = None

    def __init__(self, *args: Any) -> None:
        self.staying: dict[str, bool] = {}
        self._is_new = False
        self._begun: set[str] = set()
        self._put_off: dict[str, float] = {}
        super().__init__(*args)
        # Whoever worked here before this runner may have begun any of them.
        self._begun.update(Switchboard.get_files(self))

    def is_empty(self) -> bool:
        """Whether its folder holds no entry to take, of any slice."""
        with os.scandir(self.queue_directory) as found:
            return not any(each.name.endswith('.pck') for each in found)

    def get_files(self, extension: str = '.pck') -> list[str]:
        """See `ISwitchboard`."""
        files: list[str] = super().get_files(extension)
        if extension != '.pck':
            return files
        if self._put_off:
            files = [name for name in files if not self._waits(name)]
        if self.stays is None:
            return files
        known = self.staying
        self.staying = {
            name: known[name] if name in known else self._stays(name) for name in files
        }
        return [name for name in files if not self.staying[name]]

    def put_off(self) -> None:
        """Leave the entry at work in the queue, and out of sight for a moment."""
        self.put_back()
        self._put_off[self.taken] = time.monotonic() + PUT_OFF

    def _waits(self, filebase: str) -> bool:
        return time.monotonic() < self._put_off.get(filebase, 0)

    def _stays(self, filebase: str) -> bool:
        assert self.stays is not None
        try:
            with Path(self.queue_directory, f'{filebase}.pck').open('rb') as file:
                pickle.load(file)
                metadata = pickle.load(file)
        except OSError:
            # Not to be worked off before it is known whose it is.
            return True
        except Exception:
            # Its runner says what is wrong with it.
            return False
        return self.stays(metadata)

    def dequeue(self, filebase: str) -> tuple[Any, dict[str, Any]]:
        """See `ISwitchboard`."""
        self.taken = filebase
        self._put_off.pop(filebase, None)
        msg, data = super().dequeue(filebase)
        self._is_new = (
            not self.is_shared and filebase not in self._begun and BAK_COUNT not in data
        )
        self._begun.add(filebase)
        return msg, data

    def finish(self, filebase: str, preserve: bool = False) -> None:
        """See `ISwitchboard`."""
        if filebase in self._put_off:
            return
        super().finish(filebase, preserve)
        self._begun.discard(filebase)

    def handover(self) -> Handover:
        """For the entry at work."""
        return Handover(
            self.name, self.taken, is_new=self._is_new, instead_of=self.last
        )

    def put_back(self) -> None:
        """Let the entry at work be taken again, by whomever."""
        path = os.path.join(self.queue_directory, self.taken)
        with suppress(FileNotFoundError):
            os.rename(path + '.bak', path + '.pck')

    def recover_backup_files(self) -> None:
        """See `ISwitchboard`.

        Mailman counts in the file itself how often it was recovered, and spoils it
        where the disk is full or the runner is killed meanwhile.
        """
        for filebase in self.get_files('.bak'):
            path = os.path.join(self.queue_directory, filebase)
            with open(path + '.bak', 'rb') as file:
                try:
                    msg = pickle.load(file)
                    data = pickle.load(file)
                except Exception:
                    # As Mailman, which says in its log what is wrong with it.
                    self.finish(filebase, preserve=True)
                    continue
            data[BAK_COUNT] = data.get(BAK_COUNT, 0) + 1
            with open(path + '.tmp', 'wb') as file:
                protocol = 0 if data.get('_parsemsg') else pickle.HIGHEST_PROTOCOL
                pickle.dump(msg, file, protocol)
                pickle.dump(data, file, protocol)
                file.flush()
                os.fsync(file.fileno())
            os.replace(path + '.tmp', path + '.bak')
            entry = Handover(self.name, filebase)
            # What is done was not what killed the runner, and has to be handed on.
            if data[BAK_COUNT] >= MAX_BAK_COUNT and not entry.is_done():
                entry.discard()
                self.finish(filebase, preserve=True)
            else:
                os.rename(path + '.bak', path + '.pck')


class FairInbox(Inbox):
    """A queue whose slices share all of it, and in which the posts take turns.

    Whoever takes an entry first works on it (:mod:`.claims`), whatever its name.

    The entries of one post have the same time in their names.  A post that had no turn
    yet comes first, then the one whose turn is longest ago; so a short post does not
    wait for a long one.

    :ivar is_shared: Whether there are other slices, which may have begun an entry and
        put it back.
    :ivar number_taken: How many entries were taken since the last look.
    """

    def __init__(
        self,
        name: str,
        folder: str,
        slice_number: int | None = None,
        slices: int = 1,
        recover: bool = False,
    ) -> None:
        self._turns: dict[str, int] = {}
        self._count = itertools.count(1)
        self._looks = itertools.count(1)
        self.is_shared = slices > 1
        self.number_taken = 0
        super().__init__(name, folder, None, 1, recover)

    def recover_backup_files(self) -> None:
        """See `ISwitchboard`; what another slice is working on stays."""
        with claims.waiting_for(self.queue_directory):
            super().recover_backup_files()

    def dequeue(self, filebase: str) -> tuple[Any, dict[str, Any]]:
        """See `ISwitchboard`."""
        self.number_taken += 1
        self._turns[_time_of(filebase)] = next(self._count)
        return super().dequeue(filebase)

    def get_files(self, extension: str = '.pck') -> list[str]:
        """See `ISwitchboard`; going through it leaves out what others work on."""
        files: list[str] = super().get_files(extension)
        free = claims.Unclaimed(self.queue_directory, extension)
        if extension != '.pck':
            free.extend(files)
            return free
        self.number_taken = 0
        rounds: defaultdict[str, itertools.count[int]] = defaultdict(itertools.count)
        order = {
            filebase: (next(rounds[when]), self._turns.get(when, 0))
            for filebase in files
            for when in [_time_of(filebase)]
        }
        self._turns = {
            when: turn for when, turn in self._turns.items() if when in rounds
        }
        # Stable: those that are alike in this stay in the order of their times.
        fair = sorted(files, key=order.__getitem__)
        if files and next(self._looks) % OLDEST_EVERY == 0:
            fair.remove(files[0])
            fair.insert(0, files[0])
        free.extend(fair)
        return free


def _time_of(filebase: str) -> str:
    return filebase.partition('+')[0]
