# SPDX-License-Identifier: GPL-3.0-or-later
"""Work on what strangers send, within limits of time and memory.

Whatever a parser does at what somebody made for it, it costs no more than a limit: the
work is done in a child process, which the kernel ends.  What the child has found until
then is not lost, as it hands over one value after the other.

The child is forked, as a new Python would need a second to start.  It has the caller's
database connections and locks, and must not touch them: it ends without any of
Python's or Mailman's ways to clean up.  It gets the usual actions of signals, not
those of the runner whose child it is.
"""

from __future__ import annotations

import logging
import math
import os
import pickle
import resource
import select
import signal
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn

Send = Callable[[Any], None]
"""Hands a value over: plain data, or what a pickle can hold."""

PATIENCE = 60.0
"""Seconds that a child may take where the machine has no time for it, and ..."""
SLOWNESS = 20.0
"""... further ones for each second of computing that it may use."""
OF_CHILD = 0.9
"""What of a budget the child gets; the rest is for what its parent does for it."""
_OUT_OF_MEMORY = 77
_FAILED = 78
_LENGTH = 8
_CHUNK = 1024 * 1024
_SIGNALS = (
    signal.SIGALRM,
    signal.SIGCHLD,
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGPROF,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGXCPU,
)

log = logging.getLogger('mailman.plugins')


@dataclass(frozen=True)
class Budget:
    """What a piece of work may cost.

    :ivar cpu: Seconds of computing time, of the program and of the kernel for it.
    :ivar memory: Bytes beside what the caller has already.
    """

    cpu: float
    memory: int

    def times(self, cpu: int, memory: int) -> Budget:
        """A larger one."""
        return Budget(self.cpu * cpu, self.memory * memory)


class Ending(StrEnum):
    """How a piece of work ended."""

    done = 'done'
    time = 'time'
    memory = 'memory'
    failed = 'failed'


@dataclass(frozen=True)
class Outcome:
    """What came of a piece of work.

    :ivar values: What was handed over, in order.
    :ivar cpu: Seconds of computing time that the child took.
    :ivar memory: Bytes that the child had at most, with what it shared with its
        parent.
    """

    values: tuple[Any, ...]
    ending: Ending
    cpu: float = 0.0
    memory: int = 0


def run(work: Callable[[Send], None], budget: Budget) -> Outcome:
    """Do a piece of work in a child process.

    :param work: Gets what hands values over.  It may raise: the log of Mailman says
        what, and the outcome is `failed`.
    :param budget: What it may cost.
    :raises OSError: if there can be no further process.
    """
    ours, theirs = os.pipe()
    # One that came within the fork would be lost on Python, or handled in the child.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        child = os.fork()
    except OSError:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.close(ours)
        os.close(theirs)
        raise
    if child == 0:
        _be_the_child(work, budget, ours, theirs)
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.close(theirs)
        data = _all_from(ours, budget)
    except BaseException:
        # The caller is to stop: nobody waits for the child any more.
        _end(child)
        raise
    finally:
        os.close(ours)
    if data is None:
        usage = _end(child)
        return Outcome((), Ending.time, usage.ru_utime + usage.ru_stime)
    _pid, status, usage = os.wait4(child, 0)
    return Outcome(
        _values(data),
        _ending(status),
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss * 1024,
    )


def _end(child: int) -> Any:
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    return os.wait4(child, 0)[2]


def _all_from(pipe: int, budget: Budget) -> bytearray | None:
    """What the child writes until its end; None where that does not come."""
    until = time.monotonic() + PATIENCE + SLOWNESS * budget.cpu
    data = bytearray()
    while True:
        left = until - time.monotonic()
        ready, _, _ = select.select([pipe], [], [], max(left, 0.0))
        if not ready:
            return None
        some = os.read(pipe, _CHUNK)
        if not some:
            return data
        data += some
        if len(data) > budget.memory:
            return None


def _values(data: bytearray) -> tuple[Any, ...]:
    found = []
    start = 0
    while len(data) - start >= _LENGTH:
        end = start + _LENGTH
        end += int.from_bytes(data[start:end], 'big')
        if end > len(data):
            # The child was ended while it wrote this.
            break
        # Written by this very program.
        found.append(pickle.loads(memoryview(data)[start + _LENGTH : end]))
        start = end
    return tuple(found)


def _ending(status: int) -> Ending:
    if os.WIFEXITED(status):
        return {0: Ending.done, _OUT_OF_MEMORY: Ending.memory}.get(
            os.WEXITSTATUS(status), Ending.failed
        )
    if os.WTERMSIG(status) in (signal.SIGPROF, signal.SIGXCPU):
        return Ending.time
    if os.WTERMSIG(status) == signal.SIGKILL:
        # The kernel had no memory left, or the hard limit of time came first.
        return Ending.memory
    log.error('What was sent ended its reader: signal %d', os.WTERMSIG(status))
    return Ending.failed


# ------------------------------------------------------------------ the child


def _be_the_child(
    work: Callable[[Send], None], budget: Budget, theirs: int, mine: int
) -> NoReturn:
    code = _FAILED
    try:
        os.close(theirs)
        signal.set_wakeup_fd(-1)
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        # What a library warns of has paths in it, and is of no use to who reads it.
        warnings.simplefilter('ignore')
        _limit(budget)
        work(lambda value: _send(mine, value))
        code = 0
    except MemoryError:
        code = _OUT_OF_MEMORY
    except BaseException:
        with suppress(BaseException):
            log.exception('What was sent could not be read')
    finally:
        # Nothing of the parent's is flushed, committed or closed.
        os._exit(code)


def _limit(budget: Budget) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Counts what a limit of whole seconds cannot; that one is behind it.
    signal.setitimer(signal.ITIMER_PROF, budget.cpu * OF_CHILD)
    _lower(resource.RLIMIT_CPU, math.ceil(budget.cpu) + 1)
    used = _address_space()
    if used is not None:
        _lower(resource.RLIMIT_AS, used + int(budget.memory * OF_CHILD))


def _lower(what: int, limit: int) -> None:
    _soft, hard = resource.getrlimit(what)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(what, (limit, hard))


def _address_space() -> int | None:
    """Bytes of address space that this process has; None where nobody says."""
    try:
        with open('/proc/self/statm', encoding='ascii') as file:
            pages = int(file.read().split()[0])
    except (OSError, ValueError, IndexError):
        return None
    return pages * resource.getpagesize()


def _send(pipe: int, value: Any) -> None:
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    left = memoryview(len(data).to_bytes(_LENGTH, 'big') + data)
    while left:
        left = left[os.write(pipe, left) :]
