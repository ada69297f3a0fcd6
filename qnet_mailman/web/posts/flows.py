# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a post whose claimed sender follows the link (R6)."""

from __future__ import annotations

from enum import Enum

from qnet_mailman.web import core


class Outcome(Enum):
    """What became of a confirmation; the value is the page's HTTP status."""

    CONFIRMED = 200
    UNKNOWN = 404
    ALREADY_HANDLED = 409
    UNAVAILABLE = 503


def confirm(token: str) -> Outcome:
    """Tell core that the claimed sender did send the post.

    :param token: The token in the link.
    :return: What core made of it.
    """
    try:
        status = core.post_token('posts/confirm', token).status
    except core.CoreUnavailable:
        return Outcome.UNAVAILABLE
    if status in (200, 202, 204):
        return Outcome.CONFIRMED
    if status == 409:
        return Outcome.ALREADY_HANDLED
    return Outcome.UNKNOWN
