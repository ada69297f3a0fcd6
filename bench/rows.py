# SPDX-License-Identifier: GPL-3.0-or-later
"""What a benchmark says: a row of the table of `docs/performance.md`.

A module of this package that measures has ``rows()``, which yields them; `bench.one`
runs it, and ``python -m bench`` all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure of ours beside another's, of one run on one machine."""

    work: str
    """What was done, in words, with sizes and database."""
    unit: str
    """Of both figures: ``CPU s``, ``copies a second``, ``MB``."""
    ours: float
    theirs: float
    against: str
    """Whose figure the other is: ``stock``, ``smtplib``, ``smtp-source``."""
    bound: float
    """The ratio that `docs/performance.md` promises; 0 promises nothing."""
    at_most: bool = True
    """The ratio must not be over `bound`; otherwise not below it."""

    @property
    def ratio(self) -> float:
        """Ours, divided by the other's."""
        return self.ours / self.theirs

    @property
    def kept(self) -> bool:
        """The promise holds."""
        if not self.bound:
            return True
        return self.ratio <= self.bound if self.at_most else self.ratio >= self.bound


HEADING = (
    '| work | unit | ours | theirs | ratio | promised | |',
    '| --- | --- | ---: | ---: | ---: | --- | --- |',
)


def line(row: Row) -> str:
    """A row of a table in Markdown."""
    promised = ''
    if row.bound:
        promised = f'{"at most" if row.at_most else "at least"} {row.bound:g}'
    cells = (
        row.work,
        row.unit,
        f'{row.ours:.4g}',
        f'{row.theirs:.4g} ({row.against})',
        f'{row.ratio:.3g}',
        promised,
        '' if row.kept else '**missed**',
    )
    return f'| {" | ".join(cells)} |'


def show(rows: Iterable[Row]) -> int:
    """Print rows as they come.

    :return: An exit status: 1 if one misses what is promised.
    """
    print(*HEADING, sep='\n')
    missed = False
    for row in rows:
        print(line(row), flush=True)
        missed |= not row.kept
    return int(missed)
