# SPDX-License-Identifier: GPL-3.0-or-later
"""What the table cannot say: pages where more counts than who asks.

Each guard is for one page.  It sees the request of somebody whom the table lets in, and
gives None to go on to the page, or what is answered instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from postorius.forms.list_forms import ACTION_CHOICES
from postorius.models import EmailTemplate

from qnet_mailman.web.away import unavailable
from qnet_mailman.web.core import CoreUnavailable, call, found
from qnet_mailman.web.gate import bookmarks, profiles, search
from qnet_mailman.web.gate.access import list_id_of
from qnet_mailman.web.gate.archives import subscriptions_of
from qnet_mailman.web.gate.pages import explain, refuse
from qnet_mailman.web.gate.policy import SAFE_METHODS, Need
from qnet_mailman.web.pages import may_be_token

Guard = Callable[[HttpRequest, Mapping[str, Any]], HttpResponse | None]

#: Rosters that are a projection of assignments and roles (R25).
PROJECTED = ('owner', 'moderator')
ROSTERS = (*PROJECTED, 'member', 'nonmember')
#: What somebody who looks after a list decides about.
REQUESTS = ('subscription', 'unsubscription')


def ours(request: HttpRequest, kwargs: Mapping[str, Any]) -> None:
    """A page of ours about a list says nothing of lists of other styles (R40).

    :raises Http404: where the list is none of ours.
    """
    if not request.qnet.is_ours(kwargs['list_id']):
        raise Http404('not a list of ours')


def people(request: HttpRequest, kwargs: Mapping[str, Any]) -> HttpResponse | None:
    """Owners and moderators are not made here, but by an administrator request.

    On lists of other styles they are, as on stock (R40).
    """
    if request.qnet.is_operator or kwargs['role'] not in PROJECTED:
        return None
    if not request.qnet.is_ours(kwargs['list_id']):
        return None
    return explain(request, 'people', kwargs['list_id'])


def list_members(
    request: HttpRequest, kwargs: Mapping[str, Any]
) -> HttpResponse | None:
    """Members may see each other where the list says so, and nobody else."""
    if request.method not in SAFE_METHODS:
        return people(request, kwargs)
    if kwargs['role'] != 'member' and not request.qnet.moderates(kwargs['list_id']):
        return refuse(request, Need.MODERATOR, kwargs['list_id'])
    return None


def remove_role(request: HttpRequest, kwargs: Mapping[str, Any]) -> HttpResponse | None:
    """The page to confirm it is closed, too, for owners and moderators.

    :raises Http404: where there is no such roster; Postorius fails on that.
    """
    if kwargs['role'] not in ROSTERS:
        raise Http404('no such roster')
    return people(request, kwargs)


def list_delete(request: HttpRequest, kwargs: Mapping[str, Any]) -> HttpResponse | None:
    """A list of ours is closed by a form, and not deleted at once with its members.

    Others are deleted as on stock Mailman (R40).
    """
    if request.qnet.is_operator or not request.qnet.is_ours(kwargs['list_id']):
        return None
    return explain(request, 'closing', kwargs['list_id'])


def moderate_held_message(
    request: HttpRequest, kwargs: Mapping[str, Any]
) -> HttpResponse | None:
    """A moderator decides about the message; what is done with the sender's later
    ones is configuring the list, which on stock moderators may (R40)."""
    access, name = request.qnet, kwargs['list_id']
    choice = request.POST.get('moderation_choice')
    if choice not in dict(ACTION_CHOICES) or access.administers(name):
        return None
    return refuse(request, Need.ADMINISTRATOR, name) if access.is_ours(name) else None


def list_template(
    request: HttpRequest, kwargs: Mapping[str, Any]
) -> HttpResponse | None:
    """The template is the list's.

    :raises Http404: where it is another list's, or there is none.
    """
    pk = kwargs.get('pk') or ''
    template = None
    # Longer numbers than a database's are not asked for.
    if pk.isascii() and pk.isdigit() and len(pk) < 19:
        template = EmailTemplate.objects.filter(pk=int(pk), context='list').first()
    if template is None or list_id_of(template.identifier) != list_id_of(
        kwargs['list_id']
    ):
        raise Http404('no such template of this list')
    return None


def change_subscription(
    request: HttpRequest, kwargs: Mapping[str, Any]
) -> HttpResponse | None:
    """Only a subscription moves to another address of the person, not what they have
    on the rosters of owners and moderators (R25).

    :raises Http404: where it is no subscription of theirs.
    """
    if request.method in SAFE_METHODS:
        return None
    chosen = request.POST.get('member_id')
    if any(member.member_id == chosen for member in subscriptions_of(request.user)):
        return None
    raise Http404('no such subscription')


def confirm_token(
    request: HttpRequest, kwargs: Mapping[str, Any]
) -> HttpResponse | None:
    """To our own page: Postorius's takes the token of a request that waits for a
    moderator from anybody who has it.

    :raises Http404: where there is no token.
    """
    data = request.GET if request.method in SAFE_METHODS else request.POST
    token = data.get('token', '')
    if not may_be_token(token) or '/' in token:
        raise Http404('no token')
    address = reverse('qnet_confirm', args=(token,))
    response = HttpResponse(status=HTTPStatus.SEE_OTHER, headers={'Location': address})
    response['Referrer-Policy'] = 'no-referrer'
    response['Cache-Control'] = 'no-store'
    return response


def handle_subscription_request(
    request: HttpRequest, kwargs: Mapping[str, Any]
) -> HttpResponse | None:
    """The request is one to this list.  Core decides about any token that it knows,
    whatever the list, and whatever the token is for.

    :raises Http404: where it is another list's, something else, or none.
    """
    token = kwargs['request_id']
    if not may_be_token(token):
        raise Http404('no token')
    name = quote(kwargs['list_id'], safe='@')
    path = f'lists/{name}/requests/{quote(token, safe="")}'
    try:
        pending = found(call('GET', path))
    except CoreUnavailable:
        return unavailable(request)
    if pending.get('type') not in REQUESTS or pending.get('list_id') != list_id_of(
        kwargs['list_id']
    ):
        raise Http404('no such request to this list')
    return None


def admin_sign_in(
    request: HttpRequest, _kwargs: Mapping[str, Any]
) -> HttpResponse | None:
    """Nobody signs in there: there is one door, the site's own sign-in page.

    The table lets in operators alone.  Who may go on is led to the pages behind it;
    an operator who is no staff would see a form for another name and password.
    """
    return None if request.user.is_staff else explain(request, 'operators')


def talk(request: HttpRequest, kwargs: Mapping[str, Any]) -> None:
    """Nobody answers, votes or puts tags on a one-way list of ours.

    :raises Http404: there.
    """
    if request.qnet.is_one_way(kwargs['mlist_fqdn']):
        raise Http404('nobody talks on a one-way list')


GUARDS: Mapping[str, Guard] = {
    'admin:login': admin_sign_in,
    'qnet_list': ours,
    'qnet_list_change': ours,
    'qnet_list_form': ours,
    'qnet_list_audit': ours,
    'qnet_list_audit_file': ours,
    'qnet_list_bounces': ours,
    'qnet_list_bounces_csv': ours,
    'qnet_member_bounces': ours,
    'qnet_member_enable': ours,
    'qnet_list_bounces_act': ours,
    'list_members': list_members,
    'remove_role': remove_role,
    'list_delete': list_delete,
    'moderate_held_message': moderate_held_message,
    'handle_subscription_request': handle_subscription_request,
    'list_template_update': list_template,
    'list_template_delete': list_template,
    'change_subscription': change_subscription,
    'confirm_token': confirm_token,
    'hk_user_favorites': bookmarks.FAVORITES,
    'hk_user_last_views': bookmarks.LAST_VIEWS,
    'hk_user_votes': bookmarks.VOTES,
    'hk_user_profile': profiles.own_posts,
    'hk_public_user_profile': profiles.public_profile,
    'hk_user_posts': profiles.posts,
    'hk_suggest_tags': profiles.suggest_tags,
    'hk_search': search.search,
    'hk_message_vote': talk,
    'hk_message_reply': talk,
    'hk_message_new': talk,
    'hk_tags': talk,
    'hk_favorite': talk,
}
