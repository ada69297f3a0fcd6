# SPDX-License-Identifier: GPL-3.0-or-later
"""How one becomes a member of one list (R11, R12)."""

from __future__ import annotations

from mailman.app import subscriptions as stock


class SubscriptionWorkflow(stock.SubscriptionWorkflow):
    """Mailman's workflow of a request to join."""
