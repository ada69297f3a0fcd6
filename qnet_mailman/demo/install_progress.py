# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets pip install, and shows how far it is: a bar on a terminal, elsewhere some lines.

    python -I install_progress.py install ... -r LIST

The arguments are pip's, and end with the one list of what to install.  A package counts
half when pip has found it, and half when it is there.  Where pip fails, what it said of
that goes to standard error, without its warnings; its exit status is ours.  ``./run``
calls this before anything is installed, so it needs nothing but Python.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

#: Seconds between two looks.
INTERVAL = 0.2
WIDTH = 40


def bar(percent: int) -> str:
    """A bar as wide as any.

    :param percent: How much of it is full.
    """
    full = percent * WIDTH // 100
    return f'[{"#" * full}{"." * (WIDTH - full)}] {percent:3}%'


class Progress:
    """Says how far it is, and never goes back."""

    def __init__(self, file: TextIO) -> None:
        """Begin.

        :param file: Where to say it.
        """
        self._file = file
        self._step = 1 if file.isatty() else 10
        self._next = 0

    def show(self, percent: int) -> None:
        """Say it, where there is news.

        :param percent: How much is done.
        """
        if percent < self._next:
            return
        self._next = percent - percent % self._step + self._step
        if self._file.isatty():
            print(f'\r{bar(percent)}', end='', file=self._file, flush=True)
        else:
            print(f'{percent:3}% of the packages', file=self._file, flush=True)

    def end(self) -> None:
        """Leave the line of the bar."""
        if self._file.isatty() and self._next:
            print(file=self._file, flush=True)


class Found:
    """Counts the packages that pip names while it reads its list."""

    def __init__(self) -> None:
        self.wanted = 0
        #: Those that are not for this machine.
        self.left_out = 0

    def read(self, lines: Iterable[str]) -> None:
        """Count.

        :param lines: What pip prints.
        """
        for line in lines:
            self.wanted += line.startswith(('Collecting ', 'Requirement already '))
            self.left_out += line.startswith('Ignoring ')


def run(command: Sequence[str], total: int, folder: Path, file: TextIO) -> int:
    """Run pip.

    :param command: How to.
    :param total: How many packages are on its list.
    :param folder: Where it puts them.
    :param file: Where to say how far it is.
    :return: Its exit status.
    """
    with tempfile.TemporaryFile('w+', encoding='utf-8', errors='replace') as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        assert process.stdout is not None
        found = Found()
        reader = threading.Thread(target=found.read, args=(process.stdout,))
        reader.start()
        progress = Progress(file)
        while reader.is_alive():
            there = len([*folder.glob('*.dist-info')])
            parts = found.wanted + 2 * found.left_out + there
            progress.show(min(100 * parts // (2 * total), 99))
            reader.join(INTERVAL)
        status = process.wait()
        if status == 0:
            progress.show(100)
        progress.end()
        errors.seek(0)
        for line in errors:
            if status != 0 and not line.startswith('WARNING: '):
                print(line, end='', file=sys.stderr)
    return status


def main(arguments: list[str]) -> int:
    """Install what a list names.

    :param arguments: Those of pip, the list as the last.
    :return: The exit status.
    """
    lines = Path(arguments[-1]).read_text('utf-8').splitlines()
    pip = (sys.executable, '-m', 'pip', '--isolated', '--disable-pip-version-check')
    return run(
        [*pip, *arguments, '--progress-bar', 'off'],
        sum(bool(line) and line[0] not in ' #' for line in lines),
        Path(sysconfig.get_path('purelib')),
        sys.stdout,
    )


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
