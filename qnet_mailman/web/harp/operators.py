# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators: people who may do everything, made so by their identity (R24, R27).

An operator is a subject of an issuer, and has signed in here: never a user name, which
somebody else might have taken first.  The person's row says so, and their account gets
Django's superuser flag, which the stock pages look at.  The flag alone gives nothing:
:func:`has_power` asks for the row of the very identity that the session began with.
"""

from __future__ import annotations

import getpass
import logging
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import HttpRequest

from qnet_mailman.web import core
from qnet_mailman.web.harp.models import ProviderPerson
from qnet_mailman.web.harp.session import Identity, identity, provider_session

LOCAL = 'local'
"""In the audit log, the provider of accounts with a password alone."""

log = logging.getLogger('qnet.web')


class UnknownPerson(Exception):
    """Nobody with the ID has signed in through the provider."""


def has_power(request: HttpRequest) -> bool:
    """Whether the session of a superuser, or of other staff, may use that power.

    It may where it was signed in through a provider by somebody who is an operator; or,
    with a local password, where the site lets that in.

    :param request: The request of somebody with Django's flag.
    """
    if identity(request) is None:
        return bool(settings.LOCAL_SUPERUSERS)
    session = provider_session(request)
    return session is not None and bool(session.person.is_operator)


def operators() -> list[ProviderPerson]:
    """All of them, by provider and user ID."""
    found = ProviderPerson.objects.filter(is_operator=True)
    return list(found.order_by('provider', 'user_id_key'))


def person_of(who: Identity) -> ProviderPerson:
    """Somebody who has signed in.

    :param who: The provider's key and the person's ID there.
    :raises UnknownPerson: where nobody with that ID has.
    """
    found: ProviderPerson | None = ProviderPerson.objects.filter(
        provider=who.provider, user_id_key=who.user_id.lower()
    ).first()
    if found is None:
        raise UnknownPerson
    return found


def appoint(person: ProviderPerson) -> bool:
    """Make somebody an operator, once core has it in the audit log (R31).

    :param person: Somebody who has signed in.
    :return: Whether that changed anything.
    :raises CoreUnavailable: where core does not take it; nothing is changed then.
    """
    with transaction.atomic():
        if not _set(person, is_operator=True):
            return False
        _tell_core(person, 'add')
    return True


def dismiss(person: ProviderPerson) -> bool:
    """Let somebody be no operator any more, whether or not core answers.

    :param person: The operator.
    :return: Whether that changed anything.
    :raises CoreUnavailable: where the audit log does not have it; it is done.
    """
    with transaction.atomic():
        changed = _set(person, is_operator=False)
    if changed:
        _tell_core(person, 'remove')
    return changed


def before_account_is_saved(
    sender: Any, instance: Any, update_fields: Any = None, **_kwargs: Any
) -> None:
    """Find out whether Django's own ways make a superuser, or one less."""
    instance.is_to_be_told = False
    if update_fields is None or 'is_superuser' in update_fields:
        before = sender.objects.filter(pk=instance.pk, is_superuser=True).exists()
        instance.is_to_be_told = before != instance.is_superuser


def on_account_saved(instance: Any, **_kwargs: Any) -> None:
    """Have core write that down (R31).

    Superusers are for emergencies (`LOCAL_SUPERUSERS`), in which core may be silent:
    then the web side's log alone has it.
    """
    if instance.is_to_be_told:
        _on_record(instance, 'add' if instance.is_superuser else 'remove')


def on_account_deleted(instance: Any, **_kwargs: Any) -> None:
    """See :func:`on_account_saved`."""
    if instance.is_superuser:
        _on_record(instance, 'remove')


def _on_record(account: Any, change: str) -> None:
    fields = {'provider': LOCAL, 'user_id': account.get_username(), 'change': change}
    if account.email:
        fields['email'] = account.email
    transaction.on_commit(partial(_try_to_tell_core, fields))


def _try_to_tell_core(fields: dict[str, str]) -> None:
    try:
        _tell(fields)
    except core.CoreUnavailable:
        log.error(
            'Not in the audit log, because core did not take it: %s %s',
            fields['change'],
            fields['user_id'],
        )


def _set(person: ProviderPerson, *, is_operator: bool) -> bool:
    rows = ProviderPerson.objects.filter(pk=person.pk, is_operator=not is_operator)
    changed = bool(rows.update(is_operator=is_operator))
    user = person.account.user_id
    flag = ProviderPerson.objects.filter(
        account__user_id=user, is_operator=True
    ).exists()
    # Not save(): stock code would look for the account's Mailman user.
    get_user_model().objects.filter(pk=user).update(is_superuser=flag, is_staff=flag)
    return changed


def _tell_core(person: ProviderPerson, change: str) -> None:
    fields = {
        'provider': person.provider,
        'user_id': person.user_id,
        'change': change,
        'name': person.name,
        'email': person.email,
    }
    _tell(fields)


def _tell(fields: dict[str, str]) -> None:
    with core.acting_as(partial(_actor, core.acting())):
        answer = core.post('roles/operator', fields)
    if answer.status != 200:
        raise core.CoreUnavailable


def _actor(on_page: str) -> str:
    """Who is at a page or, as the operating system knows them, at the command line."""
    if on_page:
        return on_page
    try:
        return f'operator:{getpass.getuser()}'
    except (KeyError, OSError):
        return 'operator'
