# SPDX-License-Identifier: GPL-3.0-or-later
"""Where allauth asks about accounts with a local password."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import get_random_string

from qnet_mailman.web.accounts.allowance import LimitedMail
from qnet_mailman.web.accounts.dressing import DressedMail
from qnet_mailman.web.signup.client import client_address


def new_user_name() -> str:
    """A user name that says nothing, and that nobody can choose or guess.

    No account made for somebody from a provider has one of this form: theirs have a
    colon (see :func:`qnet_mailman.web.harp.adapter.user_name`).
    """
    return 'account-' + get_random_string(12, 'abcdefghjkmnpqrstuvwxyz23456789')


class AccountAdapter(LimitedMail, DressedMail, DefaultAccountAdapter):
    """Our answers."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Whether strangers may make an account with a password."""
        return bool(settings.LOCAL_SIGN_UP)

    def populate_username(self, request: HttpRequest, user: Any) -> None:
        """Give a new account a name; stock makes one of its e-mail address."""
        if not user.username:
            user.username = new_user_name()

    def get_client_ip(self, request: HttpRequest) -> str:
        """Whose requests are counted: the client's, not the proxy's."""
        return client_address(request)
