# SPDX-License-Identifier: GPL-3.0-or-later
"""Where allauth asks about accounts with a local password."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter

from qnet_mailman.web.accounts.allowance import LimitedMail


class AccountAdapter(LimitedMail, DefaultAccountAdapter):
    """Our answers."""
