# SPDX-License-Identifier: GPL-3.0-or-later
"""How one leaves a list (R14)."""

from __future__ import annotations

from mailman.app import subscriptions as stock


class UnsubscriptionWorkflow(stock.UnSubscriptionWorkflow):
    """Mailman's workflow of a request to leave."""
