# SPDX-License-Identifier: GPL-3.0-or-later
"""Our parts among Mailman's registered utilities and event handlers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import zope.event
from mailman.config import config
from mailman.interfaces.bounce import IBounceProcessor
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.listmanager import IListManager, ListDeletingEvent
from mailman.interfaces.mailinglist import IMailingList
from mailman.interfaces.member import IMembershipManager
from mailman.interfaces.messages import IMessageStore
from mailman.interfaces.subscriptions import ISubscriptionManager, ISubscriptionService
from mailman.interfaces.template import ITemplateLoader, ITemplateManager
from sqlalchemy import delete
from zope.component import getGlobalSiteManager
from zope.interface import directlyProvides

from qnet_mailman.chains.other_lists import DefaultPostingChain
from qnet_mailman.model import audit, leftovers
from qnet_mailman.model.base import store, tables_of_a_list
from qnet_mailman.model.domains import DomainManager
from qnet_mailman.model.listnames import ListManager
from qnet_mailman.model.lists import row_of
from qnet_mailman.model.messages import MessageStore
from qnet_mailman.posting import refusing
from qnet_mailman.posting.lost import refuse_lost_messages
from qnet_mailman.roles import appointing, projection
from qnet_mailman.styles import pipelines, replies
from qnet_mailman.subscriptions import (
    join_command,
    leave_command,
    moving,
    sign_up,
    welcoming,
)
from qnet_mailman.subscriptions.leaving import SubscriptionService
from qnet_mailman.subscriptions.manager import manager_of
from qnet_mailman.templates.loader import TemplateLoader
from qnet_mailman.templates.manager import TemplateManager

PIPELINES = {
    'default-owner-pipeline': 'qnet-owner-pipeline',
    'virgin': 'qnet-virgin-pipeline',
}
"""Mailman's pipelines, which every list names or the runners do, and ours instead."""


class _Late:
    """A utility that is made when something of it is first asked for.

    What reads bounce reports is large, and most processes see none.
    """

    def __init__(self, make: Callable[[], Any], interface: Any) -> None:
        self._make = cache(make)
        directlyProvides(self, interface)

    def __getattr__(self, name: str) -> Any:
        # Zope asks for such at the registration.
        if name.startswith('__'):
            raise AttributeError(name)
        return getattr(self._make(), name)


def _processor() -> Any:
    from qnet_mailman.bounces.processor import Processor

    return Processor()


def _membership_manager() -> Any:
    from qnet_mailman.bounces.other_lists import MembershipManager

    return MembershipManager()


def register() -> None:
    """Register what Mailman looks up by interface; again is harmless."""
    site = getGlobalSiteManager()
    site.registerUtility(TemplateLoader(), ITemplateLoader)
    site.registerUtility(TemplateManager(), ITemplateManager)
    site.registerUtility(ListManager(), IListManager)
    site.registerUtility(DomainManager(), IDomainManager)
    site.registerUtility(_Late(_processor, IBounceProcessor), IBounceProcessor)
    leave_our_members_alone()
    site.registerUtility(MessageStore(), IMessageStore)
    refuse_lost_messages()
    moving.install()
    pipelines.install()
    replies.install()
    welcoming.install()
    refusing.install()
    site.registerUtility(SubscriptionService(), ISubscriptionService)
    site.registerAdapter(manager_of, (IMailingList,), ISubscriptionManager)
    for name, ours in PIPELINES.items():
        config.pipelines[name] = config.pipelines[ours]
    config.chains[DefaultPostingChain.name] = DefaultPostingChain()
    config.commands.update(join_command.COMMANDS)
    config.commands.update(leave_command.COMMANDS)
    for subscriber in (forget_list, appointing.handle_subscription):
        if subscriber not in zope.event.subscribers:
            zope.event.subscribers.append(subscriber)


def leave_our_members_alone() -> None:
    """Let Mailman's own bounce calendar know no member of a list of ours."""
    late = _Late(_membership_manager, IMembershipManager)
    getGlobalSiteManager().registerUtility(late, IMembershipManager)


def forget_list(event: Any) -> None:
    """Remove what belongs to a list with the list; the audit log stays (R31)."""
    if not isinstance(event, ListDeletingEvent):
        return
    mlist = event.mailing_list
    # Lest somebody who is given a role meanwhile is put on a roster of no list.
    projection.lock()
    known = row_of(mlist) is not None
    for table in tables_of_a_list():
        store().execute(delete(table).where(table.list_id == mlist.list_id))
    sign_up.forget_list(mlist.list_id)
    if known:
        leftovers.forget(mlist.list_id, mlist.fqdn_listname)
        audit.record(audit.Action.list_deleted, mlist.list_id, mlist.fqdn_listname)
