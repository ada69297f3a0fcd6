# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a person's addresses when the person signs in."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django_mailman3.lib.mailman import add_address_to_mailman_user
from django_mailman3.models import Profile


def on_sign_in(sender: Any, user: Any, **_kwargs: Any) -> None:
    """Give the person's Mailman user the addresses that the person has proved.

    An address that is not verified here is left alone, whatever core thinks of
    it; and so is everything else where the account's own address is not
    verified, because core would find a Mailman user by it.

    :param sender: Who sent the signal.
    :param user: The account that signed in.
    """
    Profile.objects.get_or_create(user=user)
    verified = {
        address.email
        for address in EmailAddress.objects.filter(user=user, verified=True)
    }
    if user.email.lower() not in {email.lower() for email in verified}:
        return
    for email in sorted(verified):
        add_address_to_mailman_user(user, email)
