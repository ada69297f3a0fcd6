# SPDX-License-Identifier: GPL-3.0-or-later
"""All that is done from time to time: what, how often, and by which runner.

That of the bounce runner is in :mod:`.periodic_bounces`, as neither runner needs what
the other's work reads.

Each job is claimed in the database, so that one process among all runners and hosts
does it.  A job that fails is logged as ``...: periodic work failed``; the others are
done all the same, and its own turn comes again.
"""

from __future__ import annotations

from datetime import timedelta

from qnet_mailman import site
from qnet_mailman.lists import closing
from qnet_mailman.model import fan_outs, limits, queues, redaction
from qnet_mailman.model.jobs import Job
from qnet_mailman.provisioning import apply
from qnet_mailman.review import asking, desk, requests
from qnet_mailman.review import notices as review_notices
from qnet_mailman.roles import grants, projection
from qnet_mailman.roles import notices as roles_notices
from qnet_mailman.runners import audit_file
from qnet_mailman.subscriptions import reminding

TASKS: tuple[Job, ...] = (
    # These look first, and whoever changes a row acts on it: an idle site writes
    # nothing.  What a person may do on the web ends at once.
    ('expire roles', None, grants.expire),
    ('tell about roles', None, roles_notices.tell),
    ('tell about requests', None, review_notices.tell),
    ('tell the ticket system', None, desk.deliver),
    ('reconcile rosters', timedelta(minutes=10), lambda _: projection.reconcile()),
    ('delete closed lists', timedelta(minutes=10), closing.delete_due),
    ('remind subscribers', timedelta(hours=1), reminding.remind_subscribers),
    ('remind administrators', timedelta(hours=1), reminding.remind_administrators),
    ('prune requests', timedelta(days=1), requests.prune),
    ('prune unconfirmed requests', timedelta(hours=1), asking.prune),
    ('prune limits', timedelta(hours=1), limits.prune),
    ('prune posts that have left', timedelta(days=1), fan_outs.prune),
    ('prune handovers', timedelta(hours=1), queues.sweep),
    ('seal the audit log', None, audit_file.seal_due),
    ('say where the audit log ends', timedelta(days=1), audit_file.log_end),
    (
        'redact the audit log',
        timedelta(days=1),
        lambda now: redaction.redact_due(now - site.settings().audit_retention),
    ),
    # Each host has a map of its own.
    ('write an abandoned map', None, lambda _: apply.write_abandoned_map()),
)
"""The task runner's."""


def tasks() -> tuple[Job, ...]:
    """The task runner's, of which none is done while the plugin is switched off."""
    return () if site.is_off() else TASKS
