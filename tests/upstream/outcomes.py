# SPDX-License-Identifier: GPL-3.0-or-later
"""What two runs of a suite say when they are compared; no files, no processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Run = Mapping[str, tuple[str, str]]
"""By test its outcome, and the last line of what it said."""


NOT_RUN = ('not run', '')


@dataclass(frozen=True)
class Row:
    """Tests of a suite that may end otherwise with the plugin.

    :ivar rule: What explains it, such as ``R24``.
    :ivar why: In words.
    """

    rule: str
    why: str
    tests: tuple[str, ...]


def read_table(table: Mapping[str, list[Mapping[str, object]]]) -> dict[str, list[Row]]:
    """The rows of ``differences.toml``, by suite.

    :raises ValueError: where one lacks its rule, its reason or its tests, or a test
        stands in two.
    """
    rows = {}
    for suite, entries in table.items():
        rows[suite] = [
            Row(
                str(entry.get('rule', '')),
                str(entry.get('why', '')),
                tuple(entry.get('tests', ())),  # type: ignore[arg-type]
            )
            for entry in entries
        ]
        seen: set[str] = set()
        for row in rows[suite]:
            if not (row.rule and row.why and row.tests):
                raise ValueError(f'{suite}: a row needs a rule, why and tests: {row}')
            if twice := seen.intersection(row.tests):
                raise ValueError(f'{suite}: in two rows: {", ".join(sorted(twice))}')
            seen.update(row.tests)
    return rows


def complaints(
    stock: Run, ours: Run, rows: list[Row], *, partly: bool = False
) -> Iterator[str]:
    """What is wrong with a suite that was run without the plugin, and with it.

    :param partly: Whether but a part of it was run, so that rows may be about others.
    """
    explained = {test for row in rows for test in row.tests}
    for test in sorted(stock.keys() | ours.keys()):
        before, said_before = stock.get(test, NOT_RUN)
        after, said = ours.get(test, NOT_RUN)
        if before != after and test not in explained:
            said = said or said_before
            yield f'{test}: {before} without the plugin, {after} with it: {said}'
        elif before == after and test in explained:
            yield f'{test}: {after} without the plugin and with it: its row must go'
    if not partly:
        for test in sorted(explained - stock.keys() - ours.keys()):
            yield f'{test}: there is no such test: its row must go'


@dataclass(frozen=True)
class Record:
    """How a suite ends without the plugin, so that it need not be run each time.

    :ivar quick: How many tests the quick half has.
    :ivar otherwise: By outcome the tests of the whole suite that do not pass.
    """

    quick: int
    otherwise: Mapping[str, list[str]]

    def _outcomes(self) -> dict[str, str]:
        return {
            test: outcome for outcome, tests in self.otherwise.items() for test in tests
        }

    def stock(self, ours: Run) -> dict[str, tuple[str, str]]:
        """How the tests of a run end without the plugin."""
        outcomes = self._outcomes()
        return {test: (outcomes.get(test, 'passed'), '') for test in ours}

    def complaints_about_stock(self, stock: Run) -> Iterator[str]:
        """Where it is not what a whole run without the plugin shows."""
        outcomes = self._outcomes()
        for test in sorted(stock.keys() | outcomes.keys()):
            known = outcomes.get(test, 'passed')
            found, said = stock.get(test, NOT_RUN)
            if known != found:
                yield f'stock.toml: {test}: {known} there, but {found}: {said}'

    def complaints_about_quick(self, ours: Run) -> Iterator[str]:
        """Where tests of the quick half were not run, or are new."""
        if len(ours) != self.quick:
            yield f'stock.toml: quick is {self.quick} there, but {len(ours)} tests ran'
