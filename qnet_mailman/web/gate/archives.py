# SPDX-License-Identifier: GPL-3.0-or-later
"""Who reads which archive: HyperKitty's answers, exchanged for ours.

An archive is public where core says so now (see `public_archives`), and otherwise
private: open to the list's members, by the addresses that they have verified, and to
its administrators and moderators while they have the role (R24, R26).  HyperKitty goes
by a copy of core's setting, which is out of date while its jobs do not run; it takes
Mailman's rosters of owners and moderators for members, shows the archive of a list that
is not archived any more to everybody, and asks core for the owners at every page.
"""

from __future__ import annotations

import logging
from typing import Any
from urllib.error import HTTPError

from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Q
from django.http import HttpRequest
from django_mailman3.lib.mailman import get_mailman_user
from mailmanclient import MailmanConnectionError

from qnet_mailman.web.gate.access import Access, list_id_of
from qnet_mailman.web.gate.public_archives import PolicyInCore, public_archives

log = logging.getLogger('qnet.web')

#: Seconds for which a person's memberships count, as in HyperKitty itself.
LIFE = 60


def may_read(request: HttpRequest, mlist: Any) -> bool:
    """Whether the person behind a request may read an archive.

    :param request: The request, of Django or of its REST framework.
    :param mlist: HyperKitty's list.
    """
    if mlist.name in request.qnet.public_archives:
        return True
    if reads(request, list_id_of(mlist.list_id or mlist.name)):
        return True
    return mlist.name in public_archives(doubted=True)


def reads(request: HttpRequest, list_id: str) -> bool:
    """Whether the person behind a request may read an archive that is private.

    :param request: As of `may_read`.
    :param list_id: The list's.
    """
    return request.user.is_authenticated and (
        request.qnet.moderates(list_id) or list_id in memberships(request.user)
    )


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


def of_readers(path: str, user: Any, access: Access) -> Q:
    """Rows of the archives that somebody may read, to filter by.

    :param path: How the rows lead to HyperKitty's list, with ``__`` at its end.
    :param user: Anybody.
    :param access: What they may do.
    """
    found = Q(**{f'{path}name__in': access.public_archives})
    if user.is_authenticated:
        found |= Q(**{f'{path}list_id__in': readable(user, access)})
    return found


def _public_lists(_view: Any) -> Any:
    from hyperkitty.models import MailingList

    return MailingList.objects.filter(name__in=public_archives())


def install() -> None:
    """Let HyperKitty ask us.

    :raises ImproperlyConfigured: where this HyperKitty does not ask at all: its
        archives would be open to others than they should.
    """
    from hyperkitty.api import email, mailinglist, thread, utils
    from hyperkitty.lib import posting, view_helpers
    from hyperkitty.models import MailingList
    from hyperkitty.views import accounts, index

    for module, name, ours in (
        *((each, 'is_mlist_authorized', may_read) for each in (email, thread, utils)),
        *((each, 'is_mlist_authorized', may_read) for each in (view_helpers, accounts)),
        (index, 'get_subscriptions', readable),
        (index, 'ArchivePolicy', PolicyInCore),
        (mailinglist.MailingListList, 'get_queryset', _public_lists),
        *(
            (each, 'get_subscriptions', memberships)
            for each in (accounts, posting, view_helpers)
        ),
        (MailingList, 'is_owner', may_manage),
    ):
        if not hasattr(module, name):
            raise ImproperlyConfigured(
                f'This HyperKitty has no {name} in {module.__name__}: private '
                'archives would be open to others than their readers.'
            )
        setattr(module, name, ours)
