# SPDX-License-Identifier: GPL-3.0-or-later
"""All that is done from time to time: what, how often, and by which runner.

Each job is claimed in the database, so that one process among all runners and hosts
does it.  A job that fails is logged as ``...: periodic work failed``; the others are
done all the same, and its own turn comes again.
"""

from __future__ import annotations

from datetime import timedelta

from qnet_mailman import site
from qnet_mailman.bounces import discipline, ledger, other_lists, refusals, whose
from qnet_mailman.lists import closing
from qnet_mailman.model import fan_outs, limits, queues, seals
from qnet_mailman.model.jobs import Job
from qnet_mailman.provisioning import apply
from qnet_mailman.review import asking, desk, requests
from qnet_mailman.review import notices as review_notices
from qnet_mailman.roles import grants, projection
from qnet_mailman.roles import notices as roles_notices
from qnet_mailman.subscriptions import reminding

TASKS: tuple[Job, ...] = (
    # What a person may do on the web ends at once.
    ('expire roles', timedelta(seconds=30), grants.expire),
    ('reconcile rosters', timedelta(minutes=10), lambda _: projection.reconcile()),
    ('tell about roles', timedelta(seconds=30), roles_notices.tell),
    ('delete closed lists', timedelta(minutes=10), closing.delete_due),
    ('tell about requests', timedelta(seconds=30), review_notices.tell),
    # Each step says itself when it is due.
    ('tell the ticket system', None, desk.deliver),
    ('remind subscribers', timedelta(hours=1), reminding.remind_subscribers),
    ('remind administrators', timedelta(hours=1), reminding.remind_administrators),
    ('prune requests', timedelta(days=1), requests.prune),
    ('prune unconfirmed requests', timedelta(hours=1), asking.prune),
    ('prune limits', timedelta(hours=1), limits.prune),
    ('prune posts that have left', timedelta(days=1), fan_outs.prune),
    ('prune handovers', timedelta(hours=1), queues.sweep),
    ('seal the audit log', timedelta(minutes=1), lambda _: seals.seal()),
    ('say where the audit log ends', timedelta(days=1), lambda _: seals.log_end()),
    # Each host has a map of its own.
    ('write an abandoned map', None, lambda _: apply.write_abandoned_map()),
)
"""The task runner's."""

OTHER_LISTS: Job = ('bounces of other lists', timedelta(minutes=1), other_lists.do_due)


def tasks() -> tuple[Job, ...]:
    """The task runner's, of which none is done while the plugin is switched off."""
    return () if site.is_off() else TASKS


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
