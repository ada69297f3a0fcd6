# SPDX-License-Identifier: GPL-3.0-or-later
"""What the start of a command costs, beside ``mailman info`` of a plain Mailman.

Usage: ``python -m bench.start [--turns N]``.

Two folders, no running site, SQLite; the commands of both in turn (default: 7 times).
Compared are medians of the CPU seconds of the whole process.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.rows import Row, show
from qnet_mailman.demo.site import Site
from tests.sites import FORM

TURNS = 7
BOUND = 1.3
LIST = 'hqr-updates@lists.example.gov'
"""The list of the form."""

COMMANDS = (('lists',), ('info',), ('qnet', 'show', LIST))


def cpu(site: Site, *command: str) -> float:
    """Run a command: its seconds of CPU."""
    before = os.times()
    site.mailman(*command, check=True)
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])


def measure(turns: int) -> Iterator[Row]:
    """Run all commands of both in turn."""
    with tempfile.TemporaryDirectory() as folder:
        ours, stock = (
            Site(Path(folder, name), web=False, stock=name == 'stock')
            for name in ('ours', 'stock')
        )
        for site in (ours, stock):
            site.write_configuration()
        ours.mailman('qnet', 'provision', str(FORM), check=True)
        # The first of each reads files that the machine has not at hand yet.
        theirs = [cpu(stock, 'info') for _ in range(turns + 1)][1:]
        taken: dict[tuple[str, ...], list[float]] = {each: [] for each in COMMANDS}
        for _ in range(turns):
            theirs.append(cpu(stock, 'info'))
            for command, times in taken.items():
                times.append(cpu(ours, *command))
    info = statistics.median(theirs)
    for command, times in taken.items():
        what = f'mailman {" ".join(command[:2])}'
        yield Row(what, 'CPU s', statistics.median(times), info, 'stock info', BOUND)


def rows() -> Iterator[Row]:
    """Of the commands that operators use most."""
    yield from measure(TURNS)


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--turns', type=int, default=TURNS)
    return show(measure(parser.parse_args().turns))


if __name__ == '__main__':
    sys.exit(main())
