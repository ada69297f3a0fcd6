# SPDX-License-Identifier: GPL-3.0-or-later
"""A clock for the roles that tests set."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from qnet_mailman.model import audit
from qnet_mailman.roles import grants, importing, notices, overview, people, projection

BEGIN = datetime(2026, 3, 2, 12)


class Clock:
    """The time as Mailman gives it: in UTC, without a zone."""

    def __init__(self) -> None:
        self.moment = BEGIN

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **by: float) -> datetime:
        """Let time pass: `forward(days=3)`."""
        self.moment += timedelta(**by)
        return self.moment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time of everything about roles."""
    found = Clock()
    for module in (audit, grants, importing, overview, people, projection, notices):
        monkeypatch.setattr(module, 'now', found)
    return found
