# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bounce runner does from time to time; see :mod:`.periodic`."""

from __future__ import annotations

from datetime import timedelta

from qnet_mailman import site
from qnet_mailman.bounces import discipline, ledger, other_lists, refusals, whose
from qnet_mailman.model.jobs import Job

OTHER_LISTS: Job = ('bounces of other lists', timedelta(minutes=1), other_lists.do_due)


def bounces() -> tuple[Job, ...]:
    """The bounce runner's; how often administrators are written to is a setting."""
    if site.is_off():
        return (OTHER_LISTS,)
    return (
        ('provider refusals', timedelta(minutes=1), refusals.sweep),
        ('warnings and removals', None, discipline.do_steps),
        OTHER_LISTS,
        (discipline.CYCLE, site.settings().bounce_cycle, discipline.end_cycle),
        ('prune the bounce ledger', timedelta(days=1), ledger.prune),
        ('end old bounce addresses', timedelta(days=1), whose.forget_earlier_copies),
        ('refresh bounce scores', timedelta(hours=1), ledger.refresh),
    )
