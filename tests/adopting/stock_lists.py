# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of Mailman's own, as a site has them before it has this package."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mailman.app.lifecycle import create_list
from mailman.app.moderator import hold_message
from mailman.config import config
from mailman.interfaces.action import Action
from mailman.interfaces.bans import IBanManager
from mailman.interfaces.bounce import BounceContext
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.mailinglist import IHeaderMatchList, SubscriptionPolicy
from mailman.interfaces.member import DeliveryMode, DeliveryStatus, MemberRole
from mailman.interfaces.subscriptions import ISubscriptionManager
from mailman.interfaces.template import ITemplateManager
from mailman.interfaces.usermanager import IUserManager
from mailman.model.bounce import BounceEvent
from mailman.utilities.datetime import now
from zope.component import getUtility

from qnet_mailman.lists import adopting
from qnet_mailman.lists.adoption_plan import Released
from tests.conftest import DOMAIN
from tests.helpers import empty, make_user, message, subscribe
from tests.rest.client import ask

OWNER, MODERATOR = 'olga@agency.test', 'mo@agency.test'
ANN, BOB, DIGEST = 'ann@agency.test', 'bob@agency.test', 'dee@agency.test'
AWAY, BOUNCED, SCORED = 'away@agency.test', 'full@agency.test', 'shaky@agency.test'
GUEST = 'guest@agency.test'


def stock_list(
    name: str = 'talk', style: str = 'legacy-default', **settings: Any
) -> Any:
    """A list of Mailman's own with nobody on it but its owner."""
    domains = getUtility(IDomainManager)
    if DOMAIN not in domains:
        domains.add(DOMAIN)
    mlist = create_list(f'{name}@{DOMAIN}', (OWNER,), style)
    for key, value in {'send_welcome_message': False, **settings}.items():
        setattr(mlist, key, value)
    config.db.commit()
    return mlist


def furnished(
    name: str = 'talk', style: str = 'legacy-default', **settings: Any
) -> Any:
    """A list of Mailman's own on which there is something of everything."""
    mlist = stock_list(name, style, **settings)
    user = make_user(MODERATOR, 'Mo Example')
    user.preferred_address = next(iter(user.addresses))
    # By the user, with whatever address they prefer.
    mlist.subscribe(user, MemberRole.moderator)
    for address in (ANN, BOB, DIGEST, AWAY, BOUNCED, SCORED, OWNER):
        subscribe(mlist, address)
    member_of(mlist, DIGEST).preferences.delivery_mode = DeliveryMode.plaintext_digests
    member_of(mlist, AWAY).preferences.delivery_status = DeliveryStatus.by_user
    member_of(mlist, BOB).moderation_action = Action.hold
    subscribe(mlist, GUEST, MemberRole.nonmember).moderation_action = Action.accept
    disable(mlist, BOUNCED, warnings=1, warned=now() - timedelta(days=2))
    score(mlist, SCORED, points=2, ages=(1, 3, 5))
    IBanManager(mlist).ban('spam@example.net')
    IHeaderMatchList(mlist).append('X-Spam', 'yes', 'hold')
    footer = Path(mlist.data_path, 'footer.txt')
    footer.write_text('Our own footer of $display_name, $gone', 'utf-8')
    getUtility(ITemplateManager).set(
        'list:member:regular:footer', mlist.list_id, footer.as_uri()
    )
    for number, policy in enumerate(('confirm', 'moderate')):
        mlist.subscription_policy = SubscriptionPolicy[policy]
        wanted = getUtility(IUserManager).create_address(f'new{number}@agency.test')
        wanted.verified_on = now() if policy == 'moderate' else None
        ISubscriptionManager(mlist).register(wanted)
    mlist.subscription_policy = settings.get(
        'subscription_policy', SubscriptionPolicy.confirm
    )
    held = message(
        f'From: out@example.net\nTo: {mlist.posting_address}\nSubject: held\n\nText.\n'
    )
    hold_message(mlist, held, {'to_list': True}, 'Not a member')
    config.db.commit()
    empty('virgin')
    return mlist


def member_of(mlist: Any, address: str) -> Any:
    return mlist.members.get_member(address)


def disable(mlist: Any, address: str, *, warnings: int, warned: datetime) -> None:
    """Let a member be one whom Mailman has disabled for bounces."""
    member = member_of(mlist, address)
    member.preferences.delivery_status = DeliveryStatus.by_bounces
    member.total_warnings_sent = warnings
    member.last_warning_sent = warned


def score(mlist: Any, address: str, *, points: int, ages: tuple[int, ...]) -> None:
    """Let a member have a score with Mailman.

    :param ages: How many days ago the reports came.
    """
    member = member_of(mlist, address)
    member.bounce_score = points
    member.last_bounce_received = now() - timedelta(days=min(ages))
    for days in ages:
        event = BounceEvent(
            mlist.list_id, address, {'message-id': '<b@x>'}, BounceContext.normal
        )
        event.timestamp = now() - timedelta(days=days)
        event.processed = True
        config.db.store.add(event)


def again(list_id: str) -> Any:
    """The list, as the database has it now."""
    config.db.store.expire_all()
    return getUtility(IListManager).get_by_list_id(list_id)


def adopt(list_id: str, **how: Any) -> None:
    adopting.adopt(again(list_id), **how)
    config.db.commit()


def release(list_id: str) -> Released:
    found = adopting.release(again(list_id))
    config.db.commit()
    return found


RESOURCES = (
    '',
    '/config',
    '/roster/owner',
    '/roster/moderator',
    '/roster/member',
    '/roster/nonmember',
    '/bans',
    '/header-matches',
    '/held',
    '/requests',
    '/uris',
    '/archivers',
)


def shown(list_id: str) -> dict[str, Any]:
    """All that REST shows of a list, and of each of its members."""
    found = {path: ask('GET', f'lists/{list_id}{path}').json for path in RESOURCES}
    for role in ('owner', 'moderator', 'member', 'nonmember'):
        # In which order it gives them is nobody's business.
        entries = found[f'/roster/{role}'].get('entries', [])
        entries.sort(key=lambda each: each['member_id'])
        for each in entries:
            path = f'members/{each["member_id"]}/preferences'
            found[path] = ask('GET', path).json
    for answer in found.values():
        _without_tags(answer)
    return found


def _without_tags(value: Any) -> None:
    if isinstance(value, dict):
        value.pop('http_etag', None)
        for each in value.values():
            _without_tags(each)
    elif isinstance(value, list):
        for each in value:
            _without_tags(each)
