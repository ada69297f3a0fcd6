# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose address is whose: what signing in gives, and takes away."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.db import transaction
from django_mailman3.lib.mailman import (
    add_address_to_mailman_user,
    update_preferred_address,
)
from django_mailman3.models import Profile

from qnet_mailman.web.core import CoreUnavailable, call


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


def is_anothers(email: str, user: Any) -> bool:
    """Whether an address belongs to another account than this person's.

    It does where the other account has verified it, or is known by it.  A mere
    claim gives way to somebody who has proved the address: see
    :func:`drop_claims`.

    :param email: An address in lower case that the person has proved.
    :param user: The person's account, None for somebody new.
    """
    pk = getattr(user, 'pk', None)
    verified = EmailAddress.objects.filter(email__iexact=email, verified=True)
    if verified.exclude(user_id=pk).exists():
        return True
    known = get_user_model().objects.filter(email__iexact=email).exclude(pk=pk)
    return any(not _is_mere_claim(other) for other in known)


def _is_mere_claim(account: Any) -> bool:
    """Whether an account was asked for with an address, and never confirmed.

    Nobody has ever been signed in to it, because that takes a verified address.
    """
    return (
        account.last_login is None
        and not account.is_staff
        and not account.is_superuser
        and not EmailAddress.objects.filter(user=account, verified=True).exists()
    )


@transaction.atomic
def drop_claims(email: str, user: Any) -> None:
    """Take an address from accounts that only claim it.

    Otherwise whoever types an administrator's address into the sign-up page
    first would keep the administrator from signing in; and "Forgot password?"
    would lead the administrator into the stranger's account.

    :param email: An address in lower case that the person has proved.
    :param user: The person's account, None for somebody new.
    """
    pk = getattr(user, 'pk', None)
    EmailAddress.objects.filter(email__iexact=email, verified=False).exclude(
        user_id=pk
    ).delete()
    known = get_user_model().objects.filter(email__iexact=email).exclude(pk=pk)
    claims = [account.pk for account in known if _is_mere_claim(account)]
    # Not save(): stock code would look for the account's Mailman user.
    get_user_model().objects.filter(pk__in=claims).update(email='')


@transaction.atomic
def give_address(user: Any, email: str, *, primary: bool) -> None:
    """Record an address that somebody trusted has verified.

    :param user: The account.
    :param email: The address, in lower case, nobody else's.
    :param primary: Whether the account is known by it from now on.
    """
    address = EmailAddress.objects.filter(user=user, email__iexact=email).first()
    if address is None:
        address = EmailAddress(user=user, email=email)
    address.verified = True
    address.save()
    if primary or not EmailAddress.objects.filter(user=user, primary=True).exists():
        address.set_as_primary()


def move_address(user: Any, old: str, new: str) -> None:
    """A person has a new address instead of an old one, which is not theirs now.

    Where core cannot be told, the old address stays recorded here, and the next
    sign-in tries again.  Subscriptions of the old address stay with it; it only
    leaves the person's Mailman user, which prefers the new one from now on.

    :param user: The account.
    :param old: The address that no longer proves anything.
    :param new: The address that somebody trusted has verified.
    :raises CoreUnavailable: where core does not answer.
    """
    give_address(user, new, primary=user.email.lower() == old.lower())
    update_preferred_address(user, EmailAddress.objects.get_primary(user))
    _take_address(user, old)


def _take_address(user: Any, email: str) -> None:
    answer = call('DELETE', f'addresses/{quote(email, safe="@")}/user')
    # 404: core does not know the address, or it is nobody's.
    if answer.status not in (204, 404):
        raise CoreUnavailable
    EmailAddress.objects.filter(user=user, email__iexact=email).delete()
