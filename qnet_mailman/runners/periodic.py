# SPDX-License-Identifier: GPL-3.0-or-later
"""TODO."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from qnet_mailman.model.jobs import do_due
from qnet_mailman.review import notices
from qnet_mailman.review.requests import prune
from qnet_mailman.roles import grants, notices, projection

EXPIRE_EVERY = timedelta(seconds=30)
"""Between two looks at the clock.  What a person may do on the web ends at once."""
RECONCILE_EVERY = timedelta(minutes=10)
TELL_EVERY = timedelta(seconds=30)
log = logging.getLogger('mailman.plugins')


def periodic(moment: datetime) -> None:
    """Expire grants, put rosters right, write to people; see `do_due`."""
    do_due(
        (
            ('expire roles', EXPIRE_EVERY, grants.expire),
            ('reconcile rosters', RECONCILE_EVERY, lambda _: projection.reconcile()),
            ('tell about roles', TELL_EVERY, notices.tell),
        ),
        moment,
    )


TELL_EVERY = timedelta(seconds=30)
PRUNE_EVERY = timedelta(days=1)


def periodic(moment: datetime) -> None:
    """Write to people, throw files away; see `do_due`."""
    do_due(
        (
            ('tell about requests', TELL_EVERY, notices.tell),
            ('prune requests', PRUNE_EVERY, prune),
        ),
        moment,
    )
