# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock of Mailman and of everything here, which a test sets.

Whatever asks `mailman.utilities.datetime.now` is told its time, by whichever name and
from whichever module: nothing has to be patched singly.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from mailman.utilities import datetime as mailman_datetime

BEGIN = datetime(2026, 3, 2, 12)


class Clock:
    """The time in UTC, without a zone as Mailman gives it; calling it says it."""

    def __init__(self, moment: datetime = BEGIN) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    @property
    def moment(self) -> datetime:
        return self._moment

    @moment.setter
    def moment(self, value: datetime) -> None:
        self._moment = value
        factory = mailman_datetime.DateFactory
        factory.predictable_now = value.replace(tzinfo=UTC)
        factory.predictable_today = value.date()

    def forward(self, **by: float) -> datetime:
        """Let time pass: `forward(days=3)`."""
        self.moment += timedelta(**by)
        return self.moment


def stop_clock(monkeypatch: pytest.MonkeyPatch, moment: datetime = BEGIN) -> Clock:
    """Stop Mailman's clock for a test; it runs again when the test is over."""
    # The factory asks this and nothing else of Mailman's test layers.
    layers = SimpleNamespace(is_testing=lambda: True)
    monkeypatch.setattr(mailman_datetime, 'layers', layers)
    return Clock(moment)
