# SPDX-License-Identifier: GPL-3.0-or-later
"""What a token in a mail stands for, and what returning it does (R11-R14).

Whoever returns a token has read the mailbox that it was sent to.  It comes back in
a link of the web side, or in the address that an answer goes to.  An administrator's
token (R12) is not taken here: it approves in Postorius, over REST, or as the command
``confirm`` by mail, and not because somebody answered a mail.

On a list of another style Mailman's own workflow goes on, by the list's own policies
(R40).
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.member import AlreadySubscribedError, MembershipIsBannedError
from mailman.interfaces.subscriptions import (
    ISubscriptionManager,
    SubscriptionPendingError,
    TokenOwner,
)
from mailman.utilities.datetime import now
from zope.component import getUtility

from qnet_mailman import site
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import counters, limits, listing, tokens
from qnet_mailman.model.listing import Listed
from qnet_mailman.subscriptions import joining, leaving, sign_up
from qnet_mailman.subscriptions.manager import claim

log = logging.getLogger('mailman.subscribe')


class Kind(StrEnum):
    """What is confirmed."""

    sign_up = 'sign-up'
    """One request for any number of lists (R13)."""
    subscription = 'subscription'
    invitation = 'invitation'
    unsubscription = 'unsubscription'


class Outcome(StrEnum):
    """What became of it, for a list."""

    subscribed = 'subscribed'
    already_subscribed = 'already subscribed'
    waiting = 'waiting'
    """An administrator decides."""
    refused = 'refused'
    """The address is banned, or has become that of a list."""
    closed = 'closed'
    """The list was closed meanwhile."""
    left = 'left'
    not_subscribed = 'not subscribed'


@dataclass(frozen=True)
class Described:
    """What a token stands for."""

    kind: Kind
    address: str
    """Several, with commas, where all of somebody's addresses leave."""
    lists: tuple[Listed, ...]


@dataclass(frozen=True)
class Confirmed:
    """What a token did."""

    kind: Kind
    address: str
    lists: tuple[tuple[Listed, Outcome], ...]


def describe(token: str) -> Described | None:
    """What a token stands for; None where there is none, or it expired."""
    found = _look_up(token)
    return None if found is None else found[0]


def confirm(token: str, *, route: str, mlist: Mlist | None = None) -> Confirmed | None:
    """Use a token; it is spent then.

    :param route: How it came back, for the log.
    :param mlist: The list at whose address it came back; a token for an answer to
        another list is then unknown.
    :return: None where there is no such token, or it expired.
    """
    claim(token)
    found = _look_up(token)
    if found is None:
        return None
    described, pended = found
    if mlist is not None and mlist.list_id != pended['list_id']:
        return None
    remembered = site.settings().signup_lifetime
    if described.kind is Kind.sign_up:
        tokens.use(token, remembered)
        outcomes = [
            (listed, _join(listed, described.address, pended))
            for listed in described.lists
        ]
    else:
        listed = described.lists[0]
        try:
            outcome = _go_on(listed, described.kind, token, pended)
        except LookupError:
            tokens.spend(token)
            return None
        # Where it came to nothing, it is worth nothing all the same.
        tokens.use(token, remembered)
        outcomes = [(listed, outcome)]
    if described.kind in (Kind.sign_up, Kind.subscription):
        limits.count(sign_up.CONFIRMED)
        counters.add('sign-ups', 'confirmed')
    for listed, outcome in outcomes:
        log.info(
            '%s: %s of %s confirmed (%s): %s',
            listed.fqdn_listname,
            described.kind,
            described.address,
            route,
            outcome,
        )
    return Confirmed(described.kind, described.address, tuple(outcomes))


def _look_up(token: str) -> tuple[Described, dict[str, Any]] | None:
    pended = tokens.look_up(token)
    if pended is None:
        return None
    pend_type = pended.get('type')
    if pend_type == sign_up.PEND_TYPE:
        kind, address = Kind.sign_up, pended['address']
        lists = sign_up.lists_of(pended)
    else:
        if pended.get('token_owner') != TokenOwner.subscriber.name:
            return None
        if pend_type == joining.PEND_TYPE:
            invited = pended.get('why') == joining.Why.invitation
            kind = Kind.invitation if invited else Kind.subscription
            address = pended['email']
        elif pend_type == leaving.PEND_TYPE:
            kind = Kind.unsubscription
            address = ', '.join(leaving.addresses_in(pended))
        else:
            return None
        lists = listing.of_any_style([pended['list_id']])
    if not lists:
        return None
    return Described(kind, address, tuple(lists)), pended


def _join(listed: Listed, address: str, pended: dict[str, Any]) -> Outcome:
    """Do what a confirmed sign-up asks on one list, with what is true now."""
    mlist = getUtility(IListManager).get_by_list_id(listed.list_id)
    manager = ISubscriptionManager(mlist)
    earlier = joining.pendings_of(address.lower()).get(listed.list_id)
    if earlier is not None and earlier.owner is TokenOwner.subscriber:
        # What that one asks for has just been shown.  It may hold an approval.
        with suppress(LookupError):
            return _outcome(lambda: manager.confirm(earlier.token))
        tokens.spend(earlier.token)
    subscriber = sign_up.subscriber_for(address, pended['display_name'])
    if subscriber.verified_on is None:
        subscriber.verified_on = now()
    return _outcome(
        lambda: manager.register(
            subscriber,
            pre_confirmed=True,
            **sign_up.options_for(pended['delivery_mode']),
        )
    )


def _go_on(listed: Listed, kind: Kind, token: str, pended: dict[str, Any]) -> Outcome:
    """Let the workflow that waits for a token go on.

    :raises LookupError: if it cannot: the address was deleted meanwhile.
    """
    mlist = getUtility(IListManager).get_by_list_id(listed.list_id)
    manager = ISubscriptionManager(mlist)
    if kind is not Kind.unsubscription:
        return _outcome(lambda: manager.confirm(token))
    subscribed = any(
        mlist.members.get_memberships(email) for email in leaving.addresses_in(pended)
    )
    _token, owner, _member = manager.confirm(token)
    if owner is TokenOwner.moderator:
        return Outcome.waiting
    return Outcome.left if subscribed else Outcome.not_subscribed


def _outcome(step: Any) -> Outcome:
    try:
        _token, owner, _member = step()
    except AlreadySubscribedError:
        return Outcome.already_subscribed
    except (MembershipIsBannedError, joining.AddressOfList):
        return Outcome.refused
    except joining.ListClosed:
        return Outcome.closed
    except SubscriptionPendingError:
        return Outcome.waiting
    return Outcome.subscribed if owner is TokenOwner.no_one else Outcome.waiting
