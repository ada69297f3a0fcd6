# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is in the audit log for what is changed over REST (R31)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from qnet_mailman import values
from qnet_mailman.model import audit

ACTOR = 'REST'


def person(value: str) -> str:
    """The person for whom a caller asks, as the caller names them.

    :raises ValueError: if that does not fit into a line.
    """
    return values.line(value, values.MAX_NAME, optional=True)


def acting_for(actor: str | None) -> str:
    """The caller, with the person for whom it asks, if it has named one."""
    return f'{ACTOR}: {actor}' if actor else ACTOR


@contextmanager
def recorded_as(actor: str) -> Iterator[None]:
    """While this lasts, the audit log names somebody for what is changed."""
    token = audit.current_actor.set(actor)
    try:
        yield
    finally:
        audit.current_actor.reset(token)
