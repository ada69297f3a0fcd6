# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is in the audit log for what is changed over REST (R31)."""

from __future__ import annotations

from qnet_mailman import values

ACTOR = 'REST'


def person(value: str) -> str:
    """The person for whom a caller asks, as the caller names them.

    :raises ValueError: if that does not fit into a line.
    """
    return values.line(value, values.MAX_NAME, optional=True)


def acting_for(actor: str | None) -> str:
    """The caller, with the person for whom it asks, if it has named one."""
    return f'{ACTOR}: {actor}' if actor else ACTOR
