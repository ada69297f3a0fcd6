# SPDX-License-Identifier: GPL-3.0-or-later
"""What a moderator's link decides (R12); core knows whether they still may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from qnet_mailman.web import core

MAX_REASON = 1_000
"""Characters of a reason, as core takes it."""


class Outcome(Enum):
    """What the link is good for; the value is core's word where it is core's."""

    WAITS = 'waits'
    DONE = 'done'
    LATE = 'late'
    NOT_ALLOWED = 'not allowed'
    FAILED = 'failed'
    MISTAKE = 'mistake'
    """What was sent is not taken: no decision, or too long a reason."""
    UNKNOWN = 'unknown'
    UNAVAILABLE = 'unavailable'


STATUS = {
    Outcome.LATE: 410,
    Outcome.NOT_ALLOWED: 403,
    Outcome.FAILED: 409,
    Outcome.MISTAKE: 400,
    Outcome.UNKNOWN: 404,
    Outcome.UNAVAILABLE: 503,
}
"""The status of the page, where it is not 200."""


@dataclass(frozen=True)
class Decision:
    """What core says of a link.

    :ivar fields: What waits for the decision; see `rest/decisions.py`.
    """

    outcome: Outcome
    fields: Mapping[str, Any] = field(default_factory=dict)


def describe(token: str) -> Decision:
    """What would be decided."""
    return _ask('decisions/describe', token)


def decide(token: str, verdict: str, reason: str) -> Decision:
    """Decide.

    :param verdict: The button that was pressed.
    :param reason: What whoever asked is told, if it is refused.
    """
    return _ask('decisions', token, verdict=verdict, reason=reason)


def _ask(path: str, token: str, **more: str) -> Decision:
    try:
        answer = core.post_token(path, token, **more)
    except core.CoreUnavailable:
        return Decision(Outcome.UNAVAILABLE)
    if answer.status == 400:
        return Decision(Outcome.MISTAKE)
    if answer.status != 200:
        return Decision(Outcome.UNKNOWN)
    return Decision(Outcome(answer.fields.get('outcome')), answer.fields)
