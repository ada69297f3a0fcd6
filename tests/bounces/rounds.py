# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bounce runner does from time to time, at a moment of the test's choice."""

from __future__ import annotations

from datetime import datetime

from qnet_mailman.bounces import discipline
from qnet_mailman.model.jobs import do_due
from qnet_mailman.runners import periodic_bounces


def steps_and_cycle(moment: datetime) -> None:
    """Warnings and removals that are due, and the end of a cycle if it is."""
    names = ('warnings and removals', discipline.CYCLE)
    do_due([job for job in periodic_bounces.bounces() if job[0] in names], moment)
