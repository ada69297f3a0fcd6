# SPDX-License-Identifier: GPL-3.0-or-later
"""How each test of a run ended, as plugin of pytest and for that of nose2.

Written to the file that ``QNET_OUTCOMES`` names, as JSON: by test its outcome and, if
it did not pass, the last line of what it said.
"""

from __future__ import annotations

import json
import os
import traceback
from pathlib import Path
from typing import Any

import pytest

VARIABLE = 'QNET_OUTCOMES'
SEVERITY = ('passed', 'skipped', 'expected', 'failed', 'error')
"""A test with several outcomes (subtests, tear-down) has the last of these."""


class Outcomes:
    """What is known so far."""

    def __init__(self) -> None:
        self.of: dict[str, tuple[str, str]] = {}

    def note(self, test: str, outcome: str, said: str = '') -> None:
        """Note an outcome."""
        before = self.of.get(test, (SEVERITY[0], ''))
        if test not in self.of or SEVERITY.index(outcome) > SEVERITY.index(before[0]):
            last = said.strip().splitlines()[-1] if said.strip() else ''
            self.of[test] = (outcome, last[:200])

    def write(self) -> None:
        """Write them to the file."""
        Path(os.environ[VARIABLE]).write_text(json.dumps(self.of), 'utf-8')


_outcomes = Outcomes()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """See pytest."""
    if report.when == 'call' or not report.passed:
        outcome = report.outcome
        if hasattr(report, 'wasxfail'):
            outcome = 'expected' if report.skipped else 'failed'
        elif report.failed and report.when != 'call':
            outcome = 'error'
        crash = getattr(report.longrepr, 'reprcrash', None)
        said = crash.message if crash is not None and report.failed else ''
        _outcomes.note(report.nodeid, outcome, said.partition('\n')[0])
        # One file of examples is one test.
        for place, _ in getattr(report.longrepr, 'reprlocation_lines', ()):
            _outcomes.note(f'{report.nodeid}:{place.lineno}', outcome)


def pytest_sessionfinish() -> None:
    """See pytest."""
    _outcomes.write()


def note_nose2(test: Any, event: Any) -> None:
    """Note what nose2 says in its event `testOutcome`."""
    outcome = event.outcome
    if outcome == 'subtest':
        outcome = 'failed' if event.exc_info else 'passed'
    elif outcome == 'failed' and event.expected:
        outcome = 'expected'
    elif outcome == 'passed' and not event.expected:
        outcome = 'failed'
    said = ''
    if event.exc_info and event.exc_info[1] is not None:
        said = ''.join(traceback.format_exception(event.exc_info[1]))
    _outcomes.note(test, outcome, said)


def write() -> None:
    """Write what was noted."""
    _outcomes.write()
