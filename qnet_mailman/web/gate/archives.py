# SPDX-License-Identifier: GPL-3.0-or-later
"""Who reads which archive: HyperKitty's answers, exchanged for ours.

A private archive is open to the list's members, by the addresses that they have
verified, and to its administrators and moderators while they have the role (R24, R26).
HyperKitty takes Mailman's rosters of owners and moderators for members, shows the
archive of a list that is not archived any more to everybody, and asks core for the
owners at every page.
"""

from __future__ import annotations

import logging
from typing import Any
from urllib.error import HTTPError

from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django_mailman3.lib.mailman import get_mailman_user
from mailmanclient import MailmanConnectionError

from qnet_mailman.web.gate.access import Access

log = logging.getLogger('qnet.web')

#: Seconds for which a person's memberships count, as in HyperKitty itself.
LIFE = 60


def may_read(request: HttpRequest, mlist: Any) -> bool:
    """Whether the person behind a request may read an archive.

    :param request: The request, of Django or of its REST framework.
    :param mlist: HyperKitty's list.
    """
    from hyperkitty.models import ArchivePolicy

    if mlist.archive_policy == ArchivePolicy.public.value:
        return True
    if not request.user.is_authenticated:
        return False
    list_id = mlist.list_id or mlist.name
    return bool(request.qnet.moderates(list_id) or list_id in memberships(request.user))


def subscriptions_of(user: Any) -> list[Any]:
    """What core knows somebody to be a member of: not what they look after.

    :param user: Somebody who is signed in.
    :return: mailmanclient's members; none while core cannot be asked.
    """
    mailman_user = get_mailman_user(user)
    if mailman_user is None:
        return []
    try:
        return [each for each in mailman_user.subscriptions if each.role == 'member']
    except (HTTPError, MailmanConnectionError) as error:
        log.warning('the subscriptions of user %s: %s', user.pk, error)
        return []


def memberships(user: Any) -> dict[str, str]:
    """The lists that somebody is a member of, by an address that they have verified.

    :param user: Somebody who is signed in.
    :return: Addresses by list IDs.
    """

    def ask() -> dict[str, str]:
        addresses = EmailAddress.objects.filter(user=user, verified=True)
        verified = {
            email.lower() for email in addresses.values_list('email', flat=True)
        }
        return {
            member.list_id: member.email
            for member in subscriptions_of(user)
            if member.email.lower() in verified
        }

    found: dict[str, str] = cache.get_or_set(f'qnet-member-{user.pk}', ask, LIFE)
    return found


def readable(user: Any, access: Access | None = None) -> dict[str, str | None]:
    """The lists whose archive somebody may read although it is private.

    :param user: Somebody who is signed in.
    :param access: What they may do; where it is not given, as the gate has marked them.
    :return: What only its keys are looked at of: list IDs.
    """
    access = access or getattr(user, 'qnet', None)
    others = access.administered | access.moderated if access is not None else ()
    return dict.fromkeys(others) | memberships(user)


def may_manage(mlist: Any, user: Any) -> bool:
    """Whether somebody may delete from an archive: in the place of `is_owner`.

    :param mlist: HyperKitty's list.
    :param user: Anybody; rights have those whom the gate has marked.
    """
    access = getattr(user, 'qnet', None)
    return access is not None and access.administers(mlist.list_id or mlist.name)


def search_without_closed() -> Any:
    """What HyperKitty searches: not the archives of lists that have none any more."""
    from haystack.query import RelatedSearchQuerySet  # type: ignore[import-untyped]
    from hyperkitty.models import ArchivePolicy, MailingList

    closed = MailingList.objects.filter(archive_policy=ArchivePolicy.never.value)
    found = RelatedSearchQuerySet()
    names = list(closed.values_list('name', flat=True))
    return found.exclude(mailinglist__in=names) if names else found


def install() -> None:
    """Let HyperKitty ask us.

    :raises ImproperlyConfigured: where this HyperKitty does not ask at all: its
        archives would be open to others than they should.
    """
    from hyperkitty.api import email, thread, utils
    from hyperkitty.lib import posting, view_helpers
    from hyperkitty.models import MailingList
    from hyperkitty.views import accounts, index, search

    for module, name, ours in (
        *((each, 'is_mlist_authorized', may_read) for each in (email, thread, utils)),
        *(
            (each, 'is_mlist_authorized', may_read)
            for each in (view_helpers, accounts, search)
        ),
        *((each, 'get_subscriptions', readable) for each in (index, search)),
        *(
            (each, 'get_subscriptions', memberships)
            for each in (accounts, posting, view_helpers)
        ),
        (search, 'RelatedSearchQuerySet', search_without_closed),
        (MailingList, 'is_owner', may_manage),
    ):
        if not hasattr(module, name):
            raise ImproperlyConfigured(
                f'This HyperKitty has no {name} in {module.__name__}: private '
                'archives would be open to others than their readers.'
            )
        setattr(module, name, ours)
