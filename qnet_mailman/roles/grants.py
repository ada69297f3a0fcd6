# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a person holds the HARP role that an assignment needs (R24, R25).

There are no grants yet: the site's operators decide by their forms alone, and
every assignment is effective at once.  This function is the one place that
will ask.
"""

from __future__ import annotations

from qnet_mailman.model.people import QNetAssignment


def is_granted(assignment: QNetAssignment) -> bool:
    """Whether the person of an assignment may act on it now."""
    return True
