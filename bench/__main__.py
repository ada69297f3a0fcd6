# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is measured, side by side with others, in one table.

Usage: ``python -m bench [NAME...] [--write FILE | --compare COMMIT [--rounds N]]``.

Each module of this package that has ``rows()``, or those that are named, runs in a
process of its own, one after another; its rows are printed as they come.  ``--write``
puts them, with date, machine and commit, between the two comments of a Markdown file
that say so.

``--compare`` runs the modules with another commit and with this tree in turn, and
compares the medians of ours.  It tells of each figure, but decides by CPU seconds: the
clock depends on what else the machine does.

Exit status: 0; 1 if a row misses what is promised, or takes over 5 % more CPU than the
other commit, or a module fails; 2 if there is no such module.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from bench.commits import HERE, Build, build_of, name_of
from bench.rows import HEADING, Row, line

WORSE = 1.05
"""CPU seconds of this tree, divided by those of another commit, that are too many."""
CPU = 'CPU'
"""What units begin with that decide."""
FIRST, LAST = '<!-- python -m bench -->', '<!-- end of bench -->'
"""Between these the table is put into a file."""


def modules() -> list[str]:
    """The modules that have rows."""
    return sorted(
        path.stem
        for path in Path(__file__).parent.glob('*.py')
        if '\ndef rows(' in path.read_text('utf-8')
    )


def measured(name: str, build: Build = HERE) -> Iterator[Row]:
    """The rows of one module.

    :raises subprocess.CalledProcessError: after the rows that it came to, if it fails.
    """
    with subprocess.Popen(
        [build.python, '-m', 'bench.one', name],
        cwd=build.tree,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for text in process.stdout:
            yield Row(**json.loads(text))
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, name)


def table(names: Iterable[str], say: Callable[[str], None]) -> bool:
    """Measure, and say each line of the table; whether all promises are kept."""
    for text in HEADING:
        say(text)
    kept = True
    for name in names:
        try:
            for row in measured(name):
                say(line(row))
                kept &= row.kept
        except subprocess.CalledProcessError as error:
            print(error, file=sys.stderr)
            kept = False
    return kept


def compare(names: list[str], commit: str, rounds: int) -> bool:
    """Measure two commits in turn; whether none of ours takes more CPU than before."""
    fine = True
    with build_of(commit) as before:
        for name in names:
            found: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
            for turn in range(rounds):
                order = (before, HERE) if turn % 2 == 0 else (HERE, before)
                for build in order:
                    for row in measured(name, build):
                        pair = found.setdefault((row.work, row.unit), ([], []))
                        pair[build is HERE].append(row.ours)
            for (work, unit), pair in found.items():
                if not all(pair):
                    continue
                old, new = map(statistics.median, pair)
                worse = unit.startswith(CPU) and new > WORSE * old
                fine &= not worse
                print(
                    f'{work}: {old:.4g} before, {new:.4g} now ({unit}), '
                    f'{new / old - 1:+.0%}{" WORSE" if worse else ""}',
                    flush=True,
                )
    return fine


def machine() -> str:
    """The machine, in a few words."""
    try:
        information = Path('/proc/cpuinfo').read_text('utf-8')
        models = [
            one.partition(': ')[2]
            for one in information.splitlines()
            if one.startswith('model name')
        ]
    except OSError:
        models = []
    model = models[0] if models else platform.machine()
    return f'{os.cpu_count()} cores ({model}), Python {platform.python_version()}'


def write(path: Path, lines: list[str]) -> None:
    """Put lines between the two comments of a file.

    :raises ValueError: if it has none.
    """
    before, first, rest = path.read_text('utf-8').partition(FIRST)
    _, last, after = rest.partition(LAST)
    if not last:
        raise ValueError(f'{path} lacks {FIRST} and {LAST}')
    text = '\n'.join(['', '', *lines, '', ''])
    path.write_text(f'{before}{first}{text}{last}{after}', 'utf-8')


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(
        prog='python -m bench', description=(__doc__ or '').partition('\n')[0]
    )
    known = modules()
    parser.add_argument('names', nargs='*', metavar='NAME', help=', '.join(known))
    parser.add_argument('--write', type=Path, metavar='FILE')
    parser.add_argument('--compare', metavar='COMMIT')
    parser.add_argument('--rounds', type=int, default=5)
    options = parser.parse_args()
    unknown = set(options.names) - set(known)
    if unknown:
        parser.error(f'no rows in {", ".join(sorted(unknown))}; there are {known}')
    names = options.names or known
    if options.compare:
        return int(not compare(names, options.compare, options.rounds))
    lines: list[str] = []

    def say(text: str) -> None:
        lines.append(text)
        print(text, flush=True)

    say(f'{datetime.date.today()}, {machine()}, commit {name_of()}:\n')
    kept = table(names, say)
    if options.write:
        write(options.write, lines)
    return int(not kept)


if __name__ == '__main__':
    sys.exit(main())
