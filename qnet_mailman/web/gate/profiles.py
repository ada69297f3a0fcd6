# SPDX-License-Identifier: GPL-3.0-or-later
"""HyperKitty's pages about people: what archives that one may read tell of them.

HyperKitty's own look into every archive, and take a name from core for anybody who asks
by an address; a person without a name has their address in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django_mailman3.lib.paginator import paginate

from qnet_mailman.web.gate.archives import may_read, of_readers

#: What stands for a person of whom there is an address only.
NAMELESS = 'Name not given'


def shown_name(name: str | None) -> str:
    """A person's name without any address in it.

    :param name: As a post has it.
    """
    words = [word for word in (name or '').split() if '@' not in word]
    return ' '.join(words) or NAMELESS


def own_posts(request: HttpRequest, _kwargs: Mapping[str, Any]) -> HttpResponse:
    """What somebody wrote, of the addresses that they have verified.

    HyperKitty's page believes the other ones, too, and shows whoever enters an address
    of somebody else what that person wrote to private lists.
    """
    from hyperkitty.models import Email

    emails = Email.objects.filter(
        sender__address__in=request.user.hyperkitty_profile.addresses
    )
    if not request.qnet.is_operator:
        emails = emails.filter(of_readers('mailinglist__', request.user, request.qnet))
    page = paginate(
        emails.order_by('-date'),
        request.GET.get('lppage'),
        request.GET.get('lpcount', '10'),
    )
    return render(
        request,
        'hyperkitty/user_profile/profile.html',
        {'last_posts': page, 'subpage': 'profile'},
    )


def public_profile(
    request: HttpRequest, kwargs: Mapping[str, Any]
) -> HttpResponse | None:
    """A person who wrote something that one may read; operators see HyperKitty's page.

    :raises Http404: for everybody else, whether or not core knows them (R13).
    """
    from hyperkitty.models import Email, Vote

    if request.qnet.is_operator:
        return None
    readable = of_readers('mailinglist__', request.user, request.qnet)
    written = Email.objects.filter(readable, sender__mailman_id=kwargs['user_id'])
    latest = written.order_by('-date').first()
    if latest is None:
        raise Http404('nobody of whom one may read')
    votes = Vote.objects.filter(email__in=written)
    user = request.user
    return render(
        request,
        'hyperkitty/user_public_profile.html',
        {
            'fullname': shown_name(latest.sender_name),
            'likes': votes.filter(value=1).count(),
            'dislikes': votes.filter(value=-1).count(),
            'addresses': [],
            'is_user': user.is_authenticated
            and latest.sender.address in user.hyperkitty_profile.addresses,
        },
    )


def posts(request: HttpRequest, kwargs: Mapping[str, Any]) -> HttpResponse | None:
    """What a person wrote to one list, with the name that they have there.

    :return: None for what HyperKitty refuses itself.
    :raises Http404: where they wrote nothing.
    """
    from hyperkitty.models import Email, MailingList

    mlist = MailingList.objects.filter(name=request.GET.get('list', '')).first()
    if mlist is None or not may_read(request, mlist):
        return None
    written = Email.objects.filter(
        mailinglist=mlist, sender__mailman_id=kwargs['user_id']
    ).order_by('date')
    latest = written.last()
    if latest is None:
        raise Http404('nothing of theirs')
    return render(
        request,
        'hyperkitty/user_posts.html',
        {
            'user_id': kwargs['user_id'],
            'mlist': mlist,
            'emails': paginate(written, request.GET.get('page')),
            'fullname': shown_name(latest.sender_name),
        },
    )


def suggest_tags(
    request: HttpRequest, kwargs: Mapping[str, Any]
) -> HttpResponse | None:
    """Tags of the list itself, where HyperKitty would offer those of all lists."""
    from django.http import JsonResponse
    from hyperkitty.models import Tag

    if request.GET.get('term'):
        return None
    tags = Tag.objects.filter(threads__mailinglist__name=kwargs['mlist_fqdn'])
    there = tags.filter(threads__thread_id=kwargs['threadid']).values('pk')
    found = tags.exclude(pk__in=there).values_list('name', flat=True).distinct()
    return JsonResponse(list(found[:20]), safe=False)
