# SPDX-License-Identifier: GPL-3.0-or-later
"""One request to join many lists: one mail (R13).

Whoever asks, on the sign-up page or by mail, proves nothing and learns nothing.  REST
only looks at the syntax and puts the request into the `command` queue; a runner does
what is here, so that neither the answer nor its time depends on the address.

Each request is one mail to its address, until the day's limit is reached
(:mod:`qnet_mailman.posting.backscatter`); over it, nothing at all happens.  Confirming,
by the mail's link or by answering it, covers all public lists of the request; for
private ones their administrators are asked at once, and a mail of its own follows their
approval (R12).  Nothing is written to Mailman's tables of people for public lists
before somebody confirms.

A runner that is killed after its commit and before the request leaves the queue
repeats the mail, at most once, and counted.
"""

from __future__ import annotations

import ipaddress
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.utils import make_msgid
from typing import Any

from mailman.config import config
from mailman.email.message import Message
from mailman.interfaces.bans import IBanManager
from mailman.interfaces.errors import MailmanError
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.member import DeliveryMode
from mailman.interfaces.pending import IPendable
from mailman.interfaces.subscriptions import ISubscriptionManager, TokenOwner
from mailman.interfaces.usermanager import IUserManager
from mailman.model.pending import PendedKeyValue
from mailman.utilities.datetime import now
from sqlalchemy import select, update
from zope.component import getUtility
from zope.interface import implementer

from qnet_mailman import clock, site
from qnet_mailman.mail.answers import Question, how_to_answer
from qnet_mailman.model import (
    counters,
    finding,
    limits,
    listing,
    return_addresses,
    tokens,
)
from qnet_mailman.model.base import store
from qnet_mailman.model.closures import closed_among
from qnet_mailman.model.listing import Listed
from qnet_mailman.posting import backscatter
from qnet_mailman.subscriptions import joining, reminder_times
from qnet_mailman.templates.sending import one_line, send
from qnet_mailman.values import Visibility

PEND_TYPE = 'qnet sign-up'
QUEUE_KEY = 'qnet_sign_up'
"""Of the metadata of a queue entry that is a request."""
LIST_PREFIX = 'list '
"""Of the keys under which a pending keeps its lists: one each, as PostgreSQL takes no
long value into the index that Mailman has on them."""

CONFIRMED, EXPIRED = 'sign-up confirmed', 'sign-up expired'
"""What is counted of requests to join (:mod:`qnet_mailman.model.limits`)."""

log = logging.getLogger('mailman.subscribe')


@implementer(IPendable)
class _SignUp(dict[str, Any]):
    PEND_TYPE = PEND_TYPE


@dataclass(frozen=True)
class Request:
    """Somebody wants an address to get the messages of some lists."""

    address: str
    """As `address_of` gives it."""
    display_name: str
    list_ids: tuple[str, ...]
    asked_at: datetime
    """In UTC."""
    delivery_mode: str | None = None
    """Name of Mailman's `DeliveryMode`; the list's default if None."""
    is_proven: bool = False
    """Whether it is shown to come from the address itself (R6)."""


@dataclass(frozen=True)
class Standing:
    """How an address stands to a list."""

    listed: Listed
    subscribed: bool
    waits_for: TokenOwner | None
    """Who has to answer an earlier request; None where there is none."""
    closed: bool = False


@dataclass(frozen=True)
class Plan:
    """What a request comes to."""

    to_confirm: tuple[Listed, ...]
    """The mail's confirmation covers these."""
    to_approve: tuple[Listed, ...]
    """Private ones: the mail says that an administrator decides."""
    to_ask: tuple[Listed, ...]
    """Those of them whose administrators have not been asked yet."""
    subscribed: tuple[Listed, ...]
    """Nothing happens there."""
    closed: tuple[Listed, ...]
    """Nobody can join these."""


def plan(standings: Iterable[Standing]) -> Plan:
    """Decide what a request comes to.

    A private list whose approval is given, or that invites, needs only what the mail
    asks for anyway.
    """
    to_confirm, to_approve, to_ask, subscribed, closed = [], [], [], [], []
    for standing in standings:
        listed = standing.listed
        if standing.subscribed:
            subscribed.append(listed)
        elif standing.closed:
            closed.append(listed)
        elif (
            listed.visibility is Visibility.public
            or standing.waits_for is TokenOwner.subscriber
        ):
            to_confirm.append(listed)
        else:
            to_approve.append(listed)
            if standing.waits_for is None:
                to_ask.append(listed)
    return Plan(
        tuple(to_confirm),
        tuple(to_approve),
        tuple(to_ask),
        tuple(subscribed),
        tuple(closed),
    )


def client_allowed(
    client: str, what: str = 'sign-up request', *, times: int = 1
) -> bool:
    """Count a request of a client of a public page; whether it may make it (R13).

    :param client: Its IP address.  IPv6 clients count by /64, of which each has
        2**64 addresses; what is no address counts as one client.
    :param what: The kind of request; each is counted by itself.
    :param times: How many times as many as sign-up requests there may be.
    """
    try:
        address = ipaddress.ip_address(client.strip())
    except ValueError:
        whom = ''
    else:
        if isinstance(address, ipaddress.IPv6Address):
            address = address.ipv4_mapped or address
        whom = str(
            address
            if address.version == 4
            else ipaddress.ip_network((int(address), 64), strict=False)
        )
    limit = site.settings().signup_requests_per_hour * times
    return limits.allowed(what, whom, limit, limits.HOUR)


def queue(request: Request) -> None:
    """Leave a request to a runner."""
    msg = Message()
    msg['Message-ID'] = make_msgid(domain=site.settings().domain)
    config.switchboards['command'].enqueue(
        msg,
        {
            QUEUE_KEY: {
                'address': request.address,
                'display_name': request.display_name,
                'list_ids': request.list_ids,
                'asked_at': request.asked_at,
                'delivery_mode': request.delivery_mode,
            }
        },
    )


def handle_queued(msgdata: dict[str, Any]) -> bool:
    """Look whether an entry of the `command` queue is a request, and work it off.

    :return: Whether it was.
    """
    queued = msgdata.get(QUEUE_KEY)
    if queued is None:
        return False
    take(Request(**queued))
    return True


def take(request: Request) -> None:
    """Do what a request comes to: write to its address, and ask administrators."""
    # First of all, so that one more of a flood costs one statement.
    if not request.is_proven and not backscatter.mail_allowed(request.address):
        return
    if finding.list_at(request.address) is not None:
        log.info('Not signed up, as it is the address of a list: %s', request.address)
        return
    counters.add('sign-ups', 'asked')
    found = plan(_standings(request))
    for listed in found.to_ask:
        _ask_administrators(listed, request)
    _write(request, found)


def _standings(request: Request) -> list[Standing]:
    email = request.address.lower()
    lists = listing.by_ids(request.list_ids)
    subscribed = finding.memberships_of([email])
    pendings = joining.pendings_of(email)
    closed = closed_among([listed.list_id for listed in lists])
    return [
        Standing(
            listed,
            subscribed=(email, listed.list_id) in subscribed,
            waits_for=(
                pendings[listed.list_id].owner if listed.list_id in pendings else None
            ),
            closed=listed.list_id in closed,
        )
        for listed in lists
    ]


def subscriber_for(address: str, display_name: str) -> Any:
    """The address's row in Mailman, made with a user where there is none."""
    users = getUtility(IUserManager)
    found = users.get_address(address)
    if found is None:
        users.make_user(address, display_name)
        found = users.get_address(address)
    return found


def options_for(delivery_mode: str | None) -> dict[str, Any]:
    """Options of `ISubscriptionManager.register`."""
    if delivery_mode is None:
        return {}
    return {'delivery_mode': DeliveryMode[delivery_mode]}


def _ask_administrators(listed: Listed, request: Request) -> None:
    mlist = getUtility(IListManager).get_by_list_id(listed.list_id)
    if IBanManager(mlist).is_banned(request.address.lower()):
        log.info('%s: no request of the banned %s', mlist.list_id, request.address)
        return
    subscriber = subscriber_for(request.address, request.display_name)
    try:
        ISubscriptionManager(mlist).register(
            subscriber, **options_for(request.delivery_mode)
        )
    except MailmanError as error:
        # Another process was first; the mail is the same.
        log.info('%s: not asked for %s: %s', mlist.list_id, request.address, error)


def _write(request: Request, found: Plan) -> None:
    lists = found.to_confirm + found.to_approve + found.subscribed + found.closed
    if not lists:
        # All of them were removed meanwhile.
        return
    mlist = getUtility(IListManager).get_by_list_id(lists[0].list_id)
    moment = now().replace(microsecond=0)
    sender, blocks = None, []
    if found.to_confirm:
        lifetime = site.settings().signup_lifetime
        token = _pend(request, found.to_confirm)
        sender = return_addresses.confirm_address(mlist, token)
        subject = 'Please confirm your request for e-mail updates'
        blocks.append(
            _block(
                'YOUR CONFIRMATION IS NEEDED for',
                found.to_confirm,
                f'If you want their messages, {joining.by_web(token)}answer this '
                f'message.\n{how_to_answer(mlist, Question.join)}\n\nYou can do this '
                f'until {clock.in_words(moment + lifetime)}.\nAny other answer '
                'confirms nothing.',
            )
        )
    elif found.to_approve:
        subject = 'Your request for e-mail updates'
    elif found.subscribed:
        subject = 'You are subscribed already'
    else:
        subject = 'You cannot join a list that is closed'
    if found.to_approve:
        blocks.append(
            _block(
                'THE ADMINISTRATORS DECIDE who gets the messages of',
                found.to_approve,
                'You do not need to do anything now. If they approve, you get\n'
                'another message, and are subscribed once you confirm it.',
            )
        )
    if found.subscribed:
        blocks.append(
            _block(
                'YOU ARE SUBSCRIBED ALREADY to', found.subscribed, 'Nothing changes.'
            )
        )
    if found.closed:
        blocks.append(
            _block('CLOSED is', found.closed, 'Nobody can join it. Nothing changes.')
        )
    send(
        mlist,
        request.address,
        'qnet:user:action:sign-up',
        subject,
        {
            'user_email': request.address,
            'when': clock.in_words(request.asked_at),
            'what': '\n\n'.join(blocks),
        },
        sender=sender,
    )


def _block(heading: str, lists: Iterable[Listed], text: str) -> str:
    return f'{heading}\n\n{rows_of(lists)}\n\n{text}'


def rows_of(lists: Iterable[Listed]) -> str:
    """Lists as rows of a mail."""
    return '\n'.join(
        f'  {one_line(listed.display_name)} <{listed.fqdn_listname}>'
        for listed in lists
    )


def _pend(request: Request, lists: tuple[Listed, ...]) -> str:
    """Make the token that stands for a request, at the first list's address."""
    settings = site.settings()
    moment = now().replace(microsecond=0)
    reminder = reminder_times.next_reminder(
        [settings.signup_reminder],
        moment,
        moment + settings.signup_lifetime,
        settings.time_zone,
    )
    return tokens.pend(
        _SignUp(
            address=request.address,
            when=request.asked_at.isoformat(),
            display_name=request.display_name,
            delivery_mode=request.delivery_mode,
            list_id=lists[0].list_id,
            **{
                f'{LIST_PREFIX}{number}': listed.list_id
                for number, listed in enumerate(lists)
            },
            **reminder_times.values(reminder_times.SUBSCRIBER, reminder),
        ),
        settings.signup_lifetime,
    )


def lists_of(pended: dict[str, Any]) -> list[Listed]:
    """The lists of a request that waits for its confirmation, and still exist."""
    return listing.by_ids(list_ids_in(pended))


def list_ids_in(pended: dict[str, Any]) -> list[str]:
    """The List-IDs of such a request."""
    return [value for key, value in pended.items() if key.startswith(LIST_PREFIX)]


def forget_list(list_id: str) -> None:
    """Let what waits at the address of a list that is removed wait for the others.

    Mailman removes what its pendings say belongs to the list.
    """
    ours = select(PendedKeyValue.pended_id).where(
        PendedKeyValue.key == 'type', PendedKeyValue.value == PEND_TYPE
    )
    store().execute(
        update(PendedKeyValue)
        .where(
            PendedKeyValue.key == 'list_id',
            PendedKeyValue.value == json.dumps(list_id),
            PendedKeyValue.pended_id.in_(ours),
        )
        .values(value=json.dumps(None))
    )
