# SPDX-License-Identifier: GPL-3.0-or-later
"""Child processes that never outlive their parent's run.

Each child leads a process group of its own, so that Ctrl-C on the terminal
reaches only the parent, which then stops the children in order; and so that a
child's own children (Mailman's runners, gunicorn's workers) are found and
stopped with it.  What a child prints goes to a log file.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

#: Seconds between two looks at something that is awaited.
POLL_INTERVAL = 0.05
#: Seconds for the answer to one request.  A server that dies breaks the connection, so
#: this is for one that hangs.
ANSWER_TIMEOUT = 300.0
#: What limits of time are multiplied with, for machines that are slow or shared.
PATIENCE = float(os.environ.get('QNET_DEMO_PATIENCE') or 1)
#: Seconds a child has to end by itself before it is killed.
GRACE = 20.0


class DemoError(Exception):
    """Something went wrong; the message is meant for the person watching."""


class TimedOut(DemoError):
    """Something awaited did not happen in time."""


class Limit:
    """An end of waiting, which moves on while there is progress."""

    def __init__(
        self, timeout: float, progress: Callable[[], Any] = lambda: None
    ) -> None:
        """Begin.

        :param timeout: Seconds without progress, times `PATIENCE`.
        :param progress: How far it is: what grows, or at least changes, while there is
            progress.  Looked at only when the time is over.
        """
        self.seconds = timeout * PATIENCE
        self._progress = progress
        self._seen = progress()
        self._at = time.monotonic() + self.seconds

    def is_over(self) -> bool:
        """Whether there was no progress for so long (and at most twice that)."""
        if time.monotonic() <= self._at:
            return False
        seen = self._progress()
        if seen == self._seen:
            return True
        self._seen = seen
        self._at = time.monotonic() + self.seconds
        return False


def wait_until(
    condition: Callable[[], bool],
    timeout: float,
    what: str,
    child: Child | None = None,
    progress: Callable[[], Any] | None = None,
) -> None:
    """Wait until something is so.

    :param condition: Looks whether it is.
    :param timeout: Seconds to wait while there is no progress, times `PATIENCE`.
    :param what: What is awaited, for the message.
    :param child: The process that must be running for it to happen.
    :param progress: How far it is, see `Limit`; by default, how far the child is.
    :raises TimedOut: when the time is over.
    :raises DemoError: when the child has ended.
    """
    if progress is None:
        progress = child.progress if child is not None else lambda: None
    limit = Limit(timeout, progress)
    while not condition():
        if child is not None and not child.is_running():
            raise DemoError(
                f'{child.name} ended with status {child.returncode} while starting '
                f'({what}).\n{child.tail()}'
            )
        if limit.is_over():
            tail = '' if child is None else '\n' + child.tail()
            raise TimedOut(f'Waited {limit.seconds:.0f} seconds for: {what}.{tail}')
        time.sleep(POLL_INTERVAL)


def members(group: int) -> Iterator[list[str]]:
    """What /proc says of each process of a group: stat of proc(5) from its 3rd field.

    A process that has ended but that nobody has collected (as happens in
    containers without an init) does not count.

    :param group: The group's id.
    """
    for entry in Path('/proc').iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError, IndexError, ValueError):
            # The command name may hold spaces and parentheses; the fields
            # after the last one are state, parent and group.
            fields = (entry / 'stat').read_text().rpartition(')')[2].split()
            if int(fields[2]) == group and fields[0] not in 'ZX':
                yield fields


def group_is_alive(group: int) -> bool:
    """Whether a process of a group still runs.

    :param group: The group's id.
    """
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not Path('/proc/self/stat').exists() or any(members(group))


def tail(path: Path, lines: int = 25) -> str:
    """The end of a log file.

    :param path: The file; it need not exist.
    :param lines: How many lines.
    """
    try:
        with path.open('rb') as log:
            log.seek(max(0, path.stat().st_size - 200 * lines))
            last = log.read().decode('utf-8', 'replace').splitlines()[-lines:]
    except OSError:
        return f'({path} cannot be read)'
    if not last:
        return f'({path} is empty)'
    return '\n'.join([f'The end of {path}:', *('  ' + line for line in last)])


class Child:
    """One child process and all that it starts."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str],
        cwd: Path,
        umask: int = -1,
    ) -> None:
        """Describe the process; :meth:`start` starts it.

        :param name: What to call it in messages.
        :param argv: The command.
        :param log: The file that takes what it prints; it is appended to.
        :param env: Its whole environment.
        :param cwd: The folder it runs in.
        :param umask: What its files are not to let others do; -1 is as here.
        """
        self.name = name
        self.argv = list(argv)
        self.log = log
        self.env = dict(env)
        self.cwd = cwd
        self.umask = umask
        self._process: subprocess.Popen[bytes] | None = None
        self._most_memory = 0

    @property
    def pid(self) -> int | None:
        """The process id, which is also that of its group."""
        return None if self._process is None else self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, or None while it runs or before it ran."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start the process."""
        if self.is_running():
            raise DemoError(f'{self.name} is running already')
        self._most_memory = 0
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open('ab') as log:
            self._process = subprocess.Popen(
                self.argv,
                env=self.env,
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=self.umask,
            )

    def is_running(self) -> bool:
        """Whether the process itself runs."""
        return self._process is not None and self._process.poll() is None

    def progress(self) -> tuple[int, int]:
        """How far it is: the most memory that it ever had, and what it has printed.

        A process that starts takes more and more memory, however slowly; one that
        waits, or does the same again and again, does not.

        :return: Memory of the whole group in MiB, where /proc can tell; octets.
        """
        if self._process is not None and Path('/proc/self/stat').exists():
            pages = sum(int(fields[21]) for fields in members(self._process.pid))
            used = pages * os.sysconf('SC_PAGESIZE') // 2**20
            self._most_memory = max(self._most_memory, used)
        return self._most_memory, self.log.stat().st_size if self.log.exists() else 0

    def wait(self, timeout: float) -> None:
        """Wait until the process has done its work.

        :param timeout: Seconds to wait while it makes no progress, times `PATIENCE`.
        :raises DemoError: where it fails or takes longer.
        """
        assert self._process is not None
        limit = Limit(timeout, self.progress)
        status: int | None = None
        while status is None:
            if limit.is_over():
                raise TimedOut(
                    f'{self.name} did not get on for {limit.seconds:.0f} seconds.\n'
                    f'{self.tail()}'
                )
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = self._process.wait(POLL_INTERVAL)
        if status != 0:
            raise DemoError(f'{self.name} ended with status {status}.\n{self.tail()}')

    def stop(self, grace: float = GRACE) -> None:
        """Stop the process and its group, whatever state they are in.

        :param grace: Seconds to let them end by themselves.
        """
        if self._process is None:
            return
        group = self._process.pid
        self._process.poll()
        # The leader passes the signal on, in its own order.
        self._signal(signal.SIGTERM)
        if not self._ended(group, grace):
            self.kill()
        self._process = None

    def kill(self) -> None:
        """Kill the process and its group at once, as a power cut would."""
        if self._process is None:
            return
        group = self._process.pid
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        self._ended(group, 5 * PATIENCE)
        self._process = None

    def _signal(self, number: int) -> None:
        """Send a signal to the leader, or to the orphans it left."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self._process.poll() is None:
                self._process.send_signal(number)
            else:
                os.killpg(self._process.pid, number)

    def _ended(self, group: int, timeout: float) -> bool:
        """Wait for the whole group to end.

        :param group: The group's id.
        :param timeout: Seconds to wait.
        :return: Whether it has.
        """
        assert self._process is not None
        deadline = time.monotonic() + timeout
        while self._process.poll() is None or group_is_alive(group):
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_INTERVAL)
        return True

    def tail(self, lines: int = 25) -> str:
        """The end of what it printed.

        :param lines: How many lines.
        """
        return tail(self.log, lines)
