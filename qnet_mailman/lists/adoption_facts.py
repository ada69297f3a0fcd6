# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is of a list that may be adopted (R40).

A dozen statements, however many members it has.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from string import Template
from typing import Any

import requests
from mailman.app import subscriptions as stock
from mailman.config import config
from mailman.interfaces.archiver import ArchivePolicy
from mailman.interfaces.member import DeliveryMode, DeliveryStatus, MemberRole
from mailman.interfaces.requests import RequestType
from mailman.interfaces.template import (
    ALL_TEMPLATES,
    ALT_TEMPLATE_NAMES,
    ITemplateManager,
)
from mailman.model import template
from mailman.model.address import Address
from mailman.model.bans import Ban
from mailman.model.mailinglist import HeaderMatch
from mailman.model.member import Member
from mailman.model.pending import Pended, PendedKeyValue
from mailman.model.preferences import Preferences
from mailman.model.requests import _Request
from mailman.model.user import User
from mailman.utilities.string import expand
from sqlalchemy import func, or_, select
from sqlalchemy.orm import aliased
from zope.component import getUtility

from qnet_mailman.bounces import adopted, scoring
from qnet_mailman.lists import digests
from qnet_mailman.lists.adoption_plan import (
    ADMITTING,
    SETTINGS,
    Facts,
    Keeper,
    OwnText,
)
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.base import store
from qnet_mailman.model.finding import with_address
from qnet_mailman.roles import overview
from qnet_mailman.roles.projection import ROSTERS
from qnet_mailman.roles.rights import Assignment, Role
from qnet_mailman.templates.loader import SUPPORT_CONTACT, names_in, ours

FOOTERS = ('list:member:regular:footer', 'list:member:digest:footer')
LINK = 'unsubscribe_url'
_ALSO_FILLED = frozenset(
    {
        *('user_email', 'user_delivered_to', 'user_name', 'user_language'),
        *('user_name_or_address', 'user_address', 'hyperkitty_url', 'fqdn_listname'),
        *('list_name', 'list_requests', 'subject', 'confirm_email', 'confirm_address'),
        *('email_address', 'domain_name', 'contact_address'),
    }
)
"""What Mailman fills in, and so do we, though neither's own texts have it."""
_NONMEMBERS = ('accept', 'hold', 'reject', 'discard')


def settings_of(mlist: Mlist) -> dict[str, Any]:
    """Mailman's settings that adopting may change, as they are."""
    return {name: getattr(mlist, name) for name in SETTINGS}


def look(mlist: Mlist, now: datetime) -> Facts:
    """What there is of a list, for `adoption_plan.differences`.

    :param now: In UTC, without a zone.
    """
    members = _members(mlist)
    by_status = Counter(dict.fromkeys(DeliveryStatus, 0))
    posters = digest_members = 0
    for status, mode, action, number in members:
        by_status[status] += number
        if mode not in (None, DeliveryMode.regular):
            digest_members += number
        if (action or mlist.default_member_action) in ADMITTING:
            posters += number
    joining, leaving = _requests(mlist.list_id)
    return Facts(
        settings=settings_of(mlist),
        members=sum(number for *_rest, number in members),
        posters=posters,
        admitted_nonmembers=_admitted_nonmembers(mlist),
        nonmember_patterns=sum(
            len(getattr(mlist, f'{word}_these_nonmembers') or ())
            for word in _NONMEMBERS
        ),
        keepers=_with_roles(mlist),
        masked=mlist.anonymous_list,
        disabled=by_status[DeliveryStatus.by_bounces],
        over_threshold=tuple(adopted.over_threshold(mlist, now)),
        threshold=mlist.bounce_score_threshold,
        window=scoring.window_days(mlist.bounce_info_stale_after),
        joining=joining,
        leaving=leaving,
        texts=tuple(own_texts(mlist)),
        kept=(
            ('members who get digests', digest_members),
            (
                'members whose delivery they or a moderator stopped',
                by_status[DeliveryStatus.by_user]
                + by_status[DeliveryStatus.by_moderator],
            ),
            *_counts(mlist),
            ('bytes that wait for the next digest', digests.size_in_file(mlist)),
        ),
        archive=(mlist.archive_policy or ArchivePolicy.never).name,
        advertised=mlist.advertised,
    )


def _members(mlist: Mlist) -> list[Any]:
    """Members by delivery, kind of delivery and moderation: how many of each."""
    columns = (
        Preferences.delivery_status,
        Preferences.delivery_mode,
        Member.moderation_action,
    )
    query = (
        select(*columns, func.count(Member.id))
        .join(Preferences, Preferences.id == Member.preferences_id)
        .where(Member.list_id == mlist.list_id, Member.role == MemberRole.member)
        .group_by(*columns)
    )
    return list(store().execute(query))


def _admitted_nonmembers(mlist: Mlist) -> int:
    query = select(func.count(Member.id)).where(
        Member.list_id == mlist.list_id,
        Member.role == MemberRole.nonmember,
        Member.moderation_action.in_(ADMITTING),
    )
    return store().scalar(query) or 0


def _counts(mlist: Mlist) -> Iterator[tuple[str, int]]:
    for what, column, *where in (
        (
            'held messages',
            _Request.id,
            _Request.mailing_list_id == mlist.id,
            _Request.request_type == RequestType.held_message,
        ),
        ('bans', Ban.id, Ban.list_id == mlist.list_id),
        ('header filters', HeaderMatch.id, HeaderMatch.mailing_list_id == mlist.id),
    ):
        yield what, store().scalar(select(func.count(column)).where(*where)) or 0


def _requests(list_id: str) -> tuple[int, int]:
    """Requests that wait, for whomever: to join, and to leave."""
    of, kind = aliased(PendedKeyValue), aliased(PendedKeyValue)
    query = (
        select(kind.value, func.count(Pended.id))
        .join(of, of.pended_id == Pended.id)
        .join(kind, kind.pended_id == Pended.id)
        .where(of.key == 'list_id', of.value == json.dumps(list_id), kind.key == 'type')
        .group_by(kind.value)
    )
    found = dict(row._tuple() for row in store().execute(query))
    return (
        found.get(stock.PendableSubscription.PEND_TYPE, 0),
        found.get(stock.PendableUnsubscription.PEND_TYPE, 0),
    )


# -------------------------------------------------------- owners and moderators


def on_rosters(mlist: Mlist) -> list[tuple[Role, str, str, str, bool]]:
    """Who is on the rosters of owners and moderators.

    :return: What they are, their address and name, the membership's id, and whether it
        is one of a user with whatever address they prefer.
    """
    names = {member_role: role for role, member_role in ROSTERS.items()}
    query = (
        with_address(
            select(
                Member.role,
                Address.email,
                Address.display_name,
                User.display_name,
                Member._member_id,
                Member.user_id,
            )
        )
        .where(
            Member.list_id == mlist.list_id, or_(*(Member.role == one for one in names))
        )
        .order_by(Member.id)
    )
    return [
        (names[role], email, one or other or '', str(member_id), user_id is not None)
        for role, email, one, other, member_id, user_id in store().execute(query)
    ]


def keepers(mlist: Mlist) -> dict[tuple[Role, str], Keeper]:
    """Those who are on the rosters, whether they hold a role for it or not."""
    found = on_rosters(mlist)
    able = _able(mlist, {email for _role, email, *_rest in found})
    return {
        (role, email): Keeper(
            role.value, email, name or email.partition('@')[0], False, email in able
        )
        for role, email, name, *_rest in found
    }


def _with_roles(mlist: Mlist) -> tuple[Keeper, ...]:
    found = keepers(mlist)
    rights = overview.rights_by(
        Assignment(mlist.list_id, email, role, '', each.name, each.may_post)
        for (role, email), each in found.items()
    )
    return tuple(
        Keeper(each.role, each.email, each.name, right is not None, each.may_post)
        for each, right in zip(found.values(), rights, strict=True)
    )


def _able(mlist: Mlist, emails: set[str]) -> set[str]:
    """Those of some addresses at whose posts nobody looks."""
    query = with_address(
        select(Address.email, Member.role, Member.moderation_action)
    ).where(
        Member.list_id == mlist.list_id,
        Member.role.in_([MemberRole.member, MemberRole.nonmember]),
        Address.email.in_(emails),
    )
    defaults = {
        MemberRole.member: mlist.default_member_action,
        MemberRole.nonmember: mlist.default_nonmember_action,
    }
    return {
        email
        for email, role, action in store().execute(query)
        if (action or defaults[role]) in ADMITTING
    }


# ------------------------------------------------------------------------ texts


def own_texts(mlist: Mlist) -> Iterator[OwnText]:
    """The texts that stand in the place of ours, the first of each name."""
    known = set()
    for name, whose, text in (*_registered(mlist), *_in_files(mlist)):
        if name not in known:
            known.add(name)
            yield OwnText(
                name,
                whose,
                _unfilled(mlist, name, text),
                name in FOOTERS and bool(text.strip()) and LINK not in text,
            )


def _registered(mlist: Mlist) -> Iterator[tuple[str, str, str]]:
    contexts = {mlist.list_id: 'list', mlist.mail_host: 'domain', None: 'site'}
    rows = store().scalars(
        select(template.Template).where(
            or_(
                template.Template.context.in_([mlist.list_id, mlist.mail_host]),
                template.Template.context.is_(None),
            )
        )
    )
    order = list(contexts)
    for row in sorted(rows, key=lambda row: (order.index(row.context), row.name)):
        if row.name in ALL_TEMPLATES:
            yield row.name, contexts[row.context], _content(mlist, row)


def _content(mlist: Mlist, row: Any) -> str:
    try:
        text = getUtility(ITemplateManager).get(
            row.name,
            row.context,
            list_id=mlist.list_id,
            listname=mlist.fqdn_listname,
            domain_name=mlist.mail_host,
            language=mlist.preferred_language.code,
        )
    except (requests.RequestException, OSError, ValueError):
        # It is on a server that does not answer now.
        return ''
    return text or ''


def _in_files(mlist: Mlist) -> Iterator[tuple[str, str, str]]:
    names: dict[str, list[str]] = {}
    for name, file_name in (*ALL_TEMPLATES.items(), *ALT_TEMPLATE_NAMES.items()):
        names.setdefault(file_name, []).append(name)
    for whose, folder in (
        ('list', f'lists/{mlist.list_id}'),
        ('list', f'lists/{mlist.fqdn_listname}'),
        ('domain', f'domains/{mlist.mail_host}'),
        ('site', 'site'),
    ):
        language = Path(config.TEMPLATE_DIR, folder, mlist.preferred_language.code)
        for path in sorted(language.glob('*.txt')):
            for name in names.get(path.name, ()):
                yield name, whose, path.read_text('utf-8', 'replace')


def _unfilled(mlist: Mlist, name: str, text: str) -> tuple[str, ...]:
    """Words in a text that nothing fills in where a list of ours sends it."""
    if ours(name) is None:
        # What sends it is Mailman's, as before.
        return ()
    left = Template(expand(text.replace(SUPPORT_CONTACT, ''), mlist)).get_identifiers()
    return tuple(sorted(set(left) - names_in(name) - _ALSO_FILLED))
