# SPDX-License-Identifier: GPL-3.0-or-later
"""What `./run upstream` complains about."""

from __future__ import annotations

import tomllib

import pytest

from tests.upstream.__main__ import DIFFERENCES, RECORD
from tests.upstream.outcomes import Record, Row, complaints, read_table

PASSED = ('passed', '')
FAILED = ('failed', 'AssertionError: 1 != 2')
ROWS = [Row('R1', 'It lists our styles.', ('t.styles',))]
STYLES = {'t.styles': PASSED}, {'t.styles': FAILED}


def test_a_difference_with_a_rule_is_none() -> None:
    stock, ours = STYLES
    stock, ours = {**stock, 't.other': FAILED}, {**ours, 't.other': FAILED}
    assert list(complaints(stock, ours, ROWS)) == []


@pytest.mark.parametrize(
    ('before', 'after', 'said'),
    [
        (PASSED, FAILED, 'passed without the plugin, failed with it: AssertionError'),
        (FAILED, PASSED, 'failed without the plugin, passed with it'),
        (PASSED, ('error', 'X'), 'passed without the plugin, error with it: X'),
        (PASSED, None, 'passed without the plugin, not run with it'),
        (None, PASSED, 'not run without the plugin, passed with it'),
    ],
)
def test_a_difference_without_a_rule(before: object, after: object, said: str) -> None:
    stock, ours = (
        {**known, **({'t.post': end} if end else {})}
        for known, end in zip(STYLES, (before, after), strict=True)
    )
    [complaint] = complaints(stock, ours, ROWS)
    assert complaint.startswith(f't.post: {said}')


def test_a_row_that_is_not_so() -> None:
    [complaint] = complaints({'t.styles': PASSED}, {'t.styles': PASSED}, ROWS)
    assert complaint == (
        't.styles: passed without the plugin and with it: its row must go'
    )
    assert list(complaints({}, {}, ROWS)) == [
        't.styles: there is no such test: its row must go'
    ]
    # It may be in the part that was not run.
    assert list(complaints({}, {}, ROWS, partly=True)) == []


def test_the_record_stands_for_a_run_without_the_plugin() -> None:
    record = Record(quick=2, otherwise={'failed': ['t.click'], 'skipped': ['t.nntp']})
    ours = {'t.click': FAILED, 't.post': PASSED}
    assert list(complaints(record.stock(ours), ours, [], partly=True)) == []
    assert list(record.complaints_about_quick(ours)) == []
    [complaint] = record.complaints_about_quick({'t.post': PASSED})
    assert '2 there, but 1 tests ran' in complaint
    [complaint] = complaints(record.stock(ours), {**ours, 't.post': FAILED}, [])
    assert complaint.startswith('t.post: passed without the plugin, failed with it')
    found = {**ours, 't.nntp': ('skipped', '')}
    assert list(record.complaints_about_stock(found)) == []
    [complaint] = record.complaints_about_stock({**found, 't.click': PASSED})
    assert complaint.startswith('stock.toml: t.click: failed there, but passed')


@pytest.mark.parametrize(
    'entry',
    [
        {'why': 'x', 'tests': ['t']},
        {'rule': 'R1', 'tests': ['t']},
        {'rule': 'R1', 'why': 'x', 'tests': []},
        {'rule': 'R1', 'why': 'x', 'tests': ['t', 'u', 't.styles']},
    ],
    ids=['no rule', 'no reason', 'no tests', 'twice'],
)
def test_a_row_that_explains_nothing(entry: dict[str, object]) -> None:
    good = {'rule': 'R1', 'why': 'x', 'tests': ['t.styles']}
    with pytest.raises(ValueError, match='mailman: '):
        read_table({'mailman': [good, entry]})


def test_the_tables_of_the_tree() -> None:
    table = read_table(tomllib.loads(DIFFERENCES.read_text('utf-8')))
    for row in (row for rows in table.values() for row in rows):
        assert row.rule.startswith('R')
    assert Record(**tomllib.loads(RECORD.read_text('utf-8'))).quick > 2000
