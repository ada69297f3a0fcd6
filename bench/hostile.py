# SPDX-License-Identifier: GPL-3.0-or-later
"""What the dearest inputs that strangers can send cost, beside the limits.

Usage: ``python -m bench.hostile [--only WORD]``.

Each input of `bench.dear` is made anew and given to the part of the service that
would get it, in a process of its own.  Printed are its size, the seconds of computing
time and the megabytes of memory that the work took (beyond those of a process that
does nothing), and what the limits are: `form_max_cpu` and `form_max_memory` at their
defaults, which are the measure for what has no limit of its own, too.  Of some it is
also measured how much more they cost than half of them, which is to be 2.5 times at
most (below a tenth of a second, nobody can tell).

Exit status: 0, or 1 if anything costs more than the limit.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import logging
import pkgutil
import sys
from collections.abc import Iterator

from mailman.email.validate import Validator
from mailman.interfaces.address import IEmailValidator
from zope.component import provideUtility

from bench import dear
from bench.dear import Dear
from qnet_mailman.forms import limited
from qnet_mailman.forms.loading import budget_for
from qnet_mailman.settings import MEBIBYTE, Settings

LIMIT = budget_for(Settings(domain='x.example.gov', support_address='x@example.gov'))
PATIENCE = limited.Budget(120, 16 * 1024 * MEBIBYTE)
"""For the measuring itself, which is to end at something without any limit, too."""

GROWTH = 2.5
MEASURABLE = 0.1


def inputs() -> Iterator[Dear]:
    """All inputs, of every module of `bench.dear`."""
    for module in pkgutil.iter_modules(dear.__path__):
        yield from importlib.import_module(f'bench.dear.{module.name}').INPUTS


def cost(one: Dear, content: bytes) -> limited.Outcome:
    """What an input costs, with all processes that the work has."""

    def work(send: limited.Send) -> None:
        one.work(content)

    return limited.run(work, PATIENCE)


def _growth(one: Dear, cpu: float, idle: float) -> float:
    """How many times as much an input costs as half of it; 0 where that says nothing.

    :param cpu: What it costs, in seconds, without what a process costs by itself.
    """
    if one.make_half is None or cpu < MEASURABLE:
        return 0.0
    half = cost(one, one.make_half()).cpu - idle
    return cpu / max(half, MEASURABLE / 10)


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n', 1)[0])
    parser.add_argument('--only', default='', help='a word of the name or room')
    word = parser.parse_args().only.lower()
    logging.disable(logging.CRITICAL)
    provideUtility(Validator(), IEmailValidator)
    is_over = False
    rows = []
    # What is here already is no work of an input's.
    gc.collect()
    gc.freeze()
    for one in inputs():
        if word not in f'{one.room} {one.name}'.lower():
            continue
        content = one.make()
        idle = limited.run(lambda send: None, PATIENCE)
        outcome = cost(one, content)
        growth = _growth(one, outcome.cpu - idle.cpu, idle.cpu)
        memory = outcome.memory - idle.memory
        rows.append((outcome.cpu, memory, growth, one, len(content)))
    rows.sort(key=lambda row: row[0], reverse=True)
    print(f'{"":8}{"input":36}{"KB":>8}{"CPU s":>8}{"MB":>8}{"growth":>8}')
    for cpu, memory, growth, one, size in rows:
        over = cpu > LIMIT.cpu or memory > LIMIT.memory or growth > GROWTH
        is_over |= over
        print(
            f'{one.room:8}{one.name:36}{size / 1024:8.0f}{cpu:8.2f}'
            f'{memory / MEBIBYTE:8.0f}{growth or "":>8.2}{"  OVER" if over else ""}'
        )
    print(f'{"":8}{"limit":36}{"":8}{LIMIT.cpu:8.2f}{LIMIT.memory / MEBIBYTE:8.0f}')
    return int(is_over)


if __name__ == '__main__':
    sys.exit(main())
