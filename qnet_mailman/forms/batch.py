# SPDX-License-Identifier: GPL-3.0-or-later
"""Many forms at once: finding them, telling what became of each, and the sum (R30).

`mailman qnet provision` and `provisioning/provision.py` share what is below the
imports, word for word; so nothing of Mailman's, of Django's or of this package's may
be needed here.
"""

from __future__ import annotations

import json
import stat
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

# What follows is the same in qnet_mailman/forms/batch.py and in
# provisioning/provision.py; a test compares the two.

INVALID = 1
"""Exit status: what was asked for is wrong, and nothing was changed."""
COULD_NOT_RUN = 2
"""Exit status: the settings are broken, or the database is away."""
INTERRUPTED = 130
"""Exit status: Ctrl-C, as shells count it."""

SUFFIXES = ('.yaml', '.yml', '.json', '.xlsx', '.pdf', '.csv', '.eml')
"""What the names of files with forms end in."""
HEADINGS = ('requester.email', 'ticket')
"""Columns by one of which a CSV file of forms is known."""
NOT_TRIED = 'not tried'
OUTCOMES = (
    'created',
    'changed',
    'unchanged',
    'planned',
    'invalid',
    'failed',
    NOT_TRIED,
)
"""What becomes of a form, in the order of the summary."""
NAMED = ('invalid', 'failed')
"""Outcomes whose forms the summary names."""


def is_table(content: bytes) -> bool:
    """Whether a CSV file has forms in it, and not subscribers."""
    # Excel writes UTF-16, too, and "sep=;" before the heading.
    text = content[:100_000].replace(b'\0', b'').lower()
    head = [line for line in text.splitlines() if not line.startswith(b'sep=')][:1]
    return any(each.encode() in line for line in head for each in HEADINGS)


def find_forms(names: Iterable[Path]) -> tuple[list[Path], list[str]]:
    """The files that are meant by names of files and folders.

    :param names: A folder stands for the forms in it, by name; not for those in
        folders below it.
    :return: The files, and why others in the folders are left out.
    :raises OSError: if a folder cannot be read.
    """
    files: list[Path] = []
    skipped: list[str] = []
    for name in names:
        if not is_folder(name):
            files.append(name)
            continue
        for path in sorted(name.iterdir()):
            why = _why_not(path)
            if why:
                skipped.append(f'{path}: skipped, {why}')
            else:
                files.append(path)
    return files, skipped


def is_folder(path: Path) -> bool:
    """Whether a name stands for the forms in a folder."""
    try:
        return path.is_dir()
    except OSError:
        # Nobody may look at it, or its name is too long: as for any other file,
        # whoever reads it as a form says what is wrong.
        return False


def _why_not(path: Path) -> str:
    if is_folder(path):
        return 'a folder in a folder'
    if path.name.startswith('.') or path.suffix.lower() not in SUFFIXES:
        return 'not a form'
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            # Reading it could take for ever.
            return 'not a file'
        if path.suffix.lower() == '.csv':
            with path.open('rb') as file:
                return '' if is_table(file.read(100_000)) else 'people, not forms'
    except OSError:
        # Whoever reads it as a form says what is wrong.
        return ''
    return ''


def printable(text: str) -> str:
    """Text without what could command a terminal, or what it cannot show."""
    clean = ''.join(
        char if char.isprintable() or char == '\n' else '\N{REPLACEMENT CHARACTER}'
        for char in text
    )
    encoding = getattr(sys.stdout, 'encoding', None) or 'utf-8'
    return clean.encode(encoding, 'replace').decode(encoding)


def not_tried() -> dict[str, Any]:
    """The result of a form whose turn did not come."""
    return {
        'ticket': '',
        'list': '',
        'lists': [],
        'result': NOT_TRIED,
        'changes': [],
        'notes': [],
        'errors': [],
    }


def result_lines(name: str, result: dict[str, Any]) -> list[str]:
    """What is printed about a form.

    :param name: Where it is.
    :param result: What became of it.
    """
    about = ', '.join(filter(None, (result['list'], result['ticket'])))
    lines = [f'{name}: {result["result"]}' + (f' ({about})' if about else '')]
    lines += [f'  {change["text"]}' for change in result['changes']]
    for error in result['errors']:
        where = error['place'] if error['line'] is None else f'line {error["line"]}'
        words = filter(None, (where, error.get('words', error['message'])))
        lines.append(f'  {": ".join(words)}')
    lines += [f'  note: {note}' for note in result['notes']]
    if result['result'] == 'invalid':
        count = len(result['errors'])
        noun = 'mistake' if count == 1 else 'mistakes'
        lines.append(f'  {count} {noun}; nothing was changed')
    return lines


class Report:
    """Tells what becomes of forms, while that happens and at the end.

    :ivar total: How many forms there are, as far as is known.
    """

    def __init__(self, total: int, *, as_json: bool) -> None:
        self.total = total
        self._as_json = as_json
        self._names: dict[str, list[str]] = {outcome: [] for outcome in OUTCOMES}
        self._bar = None if as_json or not sys.stderr.isatty() else _bar()
        self._task = self._bar.add_task('forms', total=total) if self._bar else None

    def showing(self) -> AbstractContextManager[Any]:
        """While this lasts, a terminal has a bar."""
        return nullcontext() if self._bar is None else self._bar

    def more(self, count: int) -> None:
        """A file has more forms than the one that was counted for it."""
        self.total += count

    def add(self, name: str, result: dict[str, Any]) -> None:
        """Tell what became of a form, at once."""
        self._names[result['result']].append(name)
        if self._as_json:
            print(json.dumps({'file': name, **result}), flush=True)
        else:
            for line in result_lines(name, result):
                print(printable(line))
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=self._done, total=self.total)

    @property
    def _done(self) -> int:
        return sum(map(len, self._names.values()))

    def interrupted(self) -> int:
        """Tell how far it got.

        :return: The exit status.
        """
        self._say(
            f'interrupted: {self._done} of {self.total} forms are done; run the same '
            'command again for the rest'
        )
        return INTERRUPTED

    def stopped(self, why: str) -> None:
        """Tell why the forms that are left are not tried."""
        self._say(f'{why}; run the same command again for the forms that were not done')

    def _say(self, text: str) -> None:
        sys.stdout.flush()
        print(printable(text), file=sys.stderr)

    def finish(self) -> int:
        """Tell the sum, where there was more than one form.

        :return: The exit status (R30).
        """
        counts = Counter({each: len(names) for each, names in self._names.items()})
        if self._done > 1 and not self._as_json:
            print(f'{self._done} forms')
            for outcome in OUTCOMES:
                if counts[outcome]:
                    print(f'{counts[outcome]:>8}  {outcome}')
                for name in self._names[outcome] if outcome in NAMED else ():
                    print(printable(f'{"":>10}{name}'))
        if counts['failed'] or counts[NOT_TRIED]:
            return COULD_NOT_RUN
        return INVALID if counts['invalid'] else 0


def _bar() -> Any:
    # Only where somebody looks: every process of Mailman's reads this module.
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn('{task.description}'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        # What is piped elsewhere goes there, and not to the terminal of the bar.
        redirect_stdout=sys.stdout.isatty(),
        redirect_stderr=True,
    )
