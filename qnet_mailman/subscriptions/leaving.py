# SPDX-License-Identifier: GPL-3.0-or-later
"""How one leaves a list (R14).

Whoever asks by mail proves nothing: From can be forged.  So the address that asked
gets a question, and whoever returns its token has read that mailbox.  Leaving needs
this proof and nothing else: no moderator's approval, whatever Mailman's
`unsubscription_policy` says.

Who leaves is settled when the question is written, and the question names them: the
address that asked where it is subscribed; else every subscribed address of the same
user, if the one that asked was verified to be theirs.

Each mail that a request causes counts for the address, and over the day's limit there
is none: a forged request costs its victim one mail, and a thousand cost a few
(:mod:`qnet_mailman.posting.backscatter`), of which each can be answered.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import Any

from mailman.app import subscriptions as stock
from mailman.interfaces.address import IEmailValidator
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.member import MemberRole
from mailman.interfaces.subscriptions import (
    ISubscriptionService,
    TokenOwner,
    TooManyMembersError,
)
from mailman.interfaces.usermanager import IUserManager
from mailman.model.pending import Pended, PendedKeyValue
from mailman.model.subscriptions import SubscriptionService as StockService
from mailman.utilities.datetime import now
from sqlalchemy import select
from zope.component import getUtility
from zope.interface import implementer

from qnet_mailman import clock, site
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import finding, return_addresses, tokens
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import row_of
from qnet_mailman.posting import backscatter
from qnet_mailman.posting.notices import message_id
from qnet_mailman.subscriptions import joining
from qnet_mailman.subscriptions.how_to_join import how_to_join
from qnet_mailman.templates.sending import AUTO_REPLIED, one_line, send

PEND_TYPE = stock.PendableUnsubscription.PEND_TYPE
SUBJECT = 'Unsubscribe'
"""Of the question, and so of its answer."""

_ADDRESS = 'address '
"""Prefix of the keys under which a pending keeps the addresses that leave: one each,
as PostgreSQL takes no long value into the index that Mailman has on them."""
_ASKED_BY = 'asked_by'

log = logging.getLogger('mailman.subscribe')


def request(mlist: Mlist, address: str, *, route: str, msg: Any = None) -> None:
    """Answer somebody who asks by mail that an address leaves.

    With the question whether they mean it, or with the news that they are not
    subscribed; the mail goes to that address.

    :param address: The one author of the message.
    :param route: How they asked, for the log.
    :param msg: The message.
    """
    if not getUtility(IEmailValidator).is_valid(address) or finding.list_at(address):
        log.info('%s: %s cannot leave (%s)', mlist.fqdn_listname, address, route)
        return
    email = address.lower()
    leaving = subscribed_addresses(mlist, email)
    log.info(
        '%s: %s asks to leave (%s), %s',
        mlist.fqdn_listname,
        email,
        route,
        f'subscribed as {", ".join(leaving)}' if leaving else 'not subscribed',
    )
    if not leaving:
        tell_not_subscribed(mlist, email, msg)
    elif backscatter.mail_allowed(email, msg):
        _ask(mlist, email, leaving, _token(mlist, email, leaving))


def subscribed_addresses(mlist: Mlist, email: str) -> tuple[str, ...]:
    """The addresses that leave if the owner of one asks.

    :param email: In lower case.
    """
    if mlist.members.get_memberships(email):
        return (email,)
    address = getUtility(IUserManager).get_address(email)
    # An address that somebody merely claimed speaks for nobody else.
    if address is None or address.verified_on is None or address.user is None:
        return ()
    return tuple(
        sorted(
            other.email
            for other in address.user.addresses
            if other.verified_on is not None
            and mlist.members.get_memberships(other.email)
        )
    )


def answer(
    mlist: Mlist,
    email: str,
    template: str,
    subject: str,
    msg: Any,
    **more: str,
) -> None:
    """Answer a message that came to nothing, within the limit.

    :param template: Name of the text.
    :param subject: The subject line.
    :param msg: The message; None where it did not come by mail.
    :param more: What the text's ``$names`` stand for, beside ``user_email``.
    """
    if backscatter.mail_allowed(email, msg):
        send(
            mlist,
            email,
            template,
            subject,
            {'user_email': one_line(email), **more},
            automatic=AUTO_REPLIED,
            in_reply_to=None if msg is None else message_id(msg),
        )


def tell_not_subscribed(mlist: Mlist, email: str, msg: Any) -> None:
    """Answer somebody who wants to leave a list that they are not on."""
    answer(
        mlist,
        email,
        'qnet:user:notice:not-subscribed',
        f'You are not subscribed to {mlist.display_name}',
        msg,
    )


def _token(mlist: Mlist, email: str, leaving: tuple[str, ...]) -> str:
    """The token whose return lets addresses leave: one that waits, or a new one.

    The same token for the same question: each of its mails can be answered.
    """
    lifetime = site.settings().signup_lifetime
    waiting = select(Pended).where(
        Pended.expiration_date >= now(),
        Pended.id.in_(
            select(PendedKeyValue.pended_id).where(
                PendedKeyValue.key == _ASKED_BY,
                PendedKeyValue.value == json.dumps(email),
            )
        ),
    )
    for pended in store().scalars(waiting):
        found = tokens.look_up(pended.token)
        if (
            found is not None
            and found['list_id'] == mlist.list_id
            and addresses_in(found) == leaving
        ):
            pended.expiration_date = now() + lifetime
            return pended.token
    return tokens.pend(
        stock.PendableUnsubscription(
            list_id=mlist.list_id,
            # As Mailman's own pendings: the member, not who speaks for them.
            email=leaving[0],
            display_name='',
            when=now().replace(microsecond=0).isoformat(),
            token_owner=TokenOwner.subscriber.name,
            **{_ASKED_BY: email},
            **{f'{_ADDRESS}{number}': one for number, one in enumerate(leaving)},
        ),
        lifetime,
    )


def addresses_in(pended: dict[str, Any]) -> tuple[str, ...]:
    """The addresses that leave by what waits."""
    named = sorted(one for key, one in pended.items() if key.startswith(_ADDRESS))
    # One that Mailman made has only its own.
    return tuple(named) or (pended['email'],)


def _ask(mlist: Mlist, email: str, leaving: tuple[str, ...], token: str) -> None:
    """Send the question whose link, or answer, lets addresses leave."""
    reply_address = return_addresses.confirm_address(mlist, token)
    settings = site.settings()
    # Not marked as a reply, and with an envelope sender: who asked is only claimed, so
    # for the address's owner it may be the first mail of all; and servers that refuse
    # what has no sender and answers nothing of theirs would keep members on the list.
    # RFC 3834 section 5 keeps other programs from answering either kind.
    send(
        mlist,
        email,
        'list:user:action:unsubscribe',
        SUBJECT,
        {
            'addresses': '\n  '.join(one_line(one) for one in leaving),
            'user_email': one_line(email),
            'by_web': joining.by_web(token),
            'confirm_email': reply_address,
            'expires': clock.in_words(
                now().replace(microsecond=0) + settings.signup_lifetime
            ),
            # Mailman's names, for a text that an operator wrote for it.
            'token': token,
            'subject': SUBJECT,
            'confirm_address': reply_address,
            'email_address': one_line(email),
            'domain_name': mlist.mail_host,
            'contact_address': mlist.owner_address,
        },
        sender=reply_address,
    )


def end(
    mlist: Mlist,
    memberships: Iterable[Any],
    *,
    goodbye: bool | None = None,
    asked_by: str | None = None,
) -> tuple[str, ...]:
    """End subscriptions, and tell whom it concerns.

    In place of Mailman's `delete_member`, which takes one subscription of two that
    have the same address, and fails where an address belongs to no user.

    :param goodbye: Whether each address gets the final confirmation; as the list's
        `send_goodbye_message` says, if None.
    :param asked_by: A further address that gets it.
    :return: The addresses that are subscribed no more.
    """
    ended: dict[str, str] = {}
    for member in memberships:
        # A user may have lost the preferred address by which they are subscribed.
        email = '' if member.address is None else member.address.email
        name = one_line(member.display_name)
        ended[email] = f'{name} <{email}>' if name else email
        member.unsubscribe()
    if not ended:
        return ()
    # What the database refuses, it refuses before anything is sent.
    store().flush()
    left = tuple(sorted(email for email in ended if email))
    if mlist.send_goodbye_message if goodbye is None else goodbye:
        for email in left:
            say_goodbye(mlist, email, (email,))
        if asked_by is not None and asked_by not in left:
            say_goodbye(mlist, asked_by, left)
    if mlist.admin_notify_mchanges:
        _tell_administrators(mlist, sorted(ended.values()))
    return left


def say_goodbye(mlist: Mlist, to: str, left: tuple[str, ...]) -> None:
    """Write the final confirmation that addresses have left."""
    send(
        mlist,
        to,
        'list:user:notice:goodbye',
        f'You are no longer subscribed to {mlist.display_name}',
        {
            'user_email': '\n  '.join(left),
            'how_to_join': how_to_join(mlist, 'If you want to come back'),
            # Mailman's names, for a text that an operator wrote for it.
            'user_address': '\n  '.join(left),
            'fqdn_listname': mlist.fqdn_listname,
            'list_name': mlist.display_name,
            'list_requests': mlist.request_address,
        },
    )


def _tell_administrators(mlist: Mlist, who: list[str]) -> None:
    count = len(who)
    ended = 'a subscription has' if count == 1 else f'{count} subscriptions have'
    send(
        mlist,
        mlist.owner_address,
        'list:admin:notice:unsubscribe',
        f'{mlist.display_name}: {ended} ended',
        {'member': '\n  '.join(who)},
    )


def _memberships(mlist: Mlist, addresses: Iterable[str]) -> list[Any]:
    # One by the address itself and one by the preferred address of a user.
    return [
        member for email in addresses for member in mlist.members.get_memberships(email)
    ]


class UnsubscriptionWorkflow(stock.UnSubscriptionWorkflow):
    """Mailman's workflow of a request to leave.

    What waits is all in its pending; no state is saved beside it.
    """

    token: str | None

    def _step_confirmation_checks(self) -> None:
        self.push('do_unsubscription' if self.pre_confirmed else 'send_confirmation')

    def _step_send_confirmation(self) -> None:
        email = self.address.email
        self.token = _token(self.mlist, email, (email,))
        self.token_owner = TokenOwner.subscriber
        if backscatter.mail_allowed(email):
            _ask(self.mlist, email, (email,), self.token)
        raise StopIteration

    def restore(self) -> None:
        """See `Workflow`.

        :raises LookupError: if there is no such token, or it expired.
        """
        pended = tokens.look_up(str(self.token))
        if pended is None:
            raise LookupError(self.token)
        self._pended = pended
        self._next.clear()
        self.push('do_confirm_verify')

    def _step_do_confirm_verify(self) -> None:
        tokens.spend(str(self.token))
        self.token, self.token_owner = None, TokenOwner.no_one
        memberships = _memberships(self.mlist, addresses_in(self._pended))
        left = end(
            self.mlist,
            memberships,
            goodbye=True,
            asked_by=self._pended.get(_ASKED_BY),
        )
        log.info('%s: %s left', self.mlist.fqdn_listname, ', '.join(left) or 'nobody')

    def _step_do_unsubscription(self) -> None:
        left = end(self.mlist, _memberships(self.mlist, [self.address.email]))
        log.info('%s: %s removed', self.mlist.fqdn_listname, ', '.join(left))
        self.member = None


def _our_list(list_id: str | None) -> Any:
    """A list with one of our styles; None where it is not."""
    mlist = getUtility(IListManager).get_by_list_id(list_id)
    return None if mlist is None or row_of(mlist) is None else mlist


@implementer(ISubscriptionService)
class SubscriptionService(StockService):
    """Mailman's service, where it stands in the way of Postorius's removals."""

    def find_member(
        self, subscriber: Any = None, list_id: str | None = None, role: Any = None
    ) -> Any:
        """See `ISubscriptionService`.

        Mailman fails where somebody is a member by the address itself and by the
        preferred address of a user, and Postorius could not remove them.
        """
        try:
            return super().find_member(subscriber, list_id, role)
        except TooManyMembersError:
            mlist = _our_list(list_id)
            if (
                mlist is None
                or role is not MemberRole.member
                or not isinstance(subscriber, str)
            ):
                raise
            return mlist.members.get_member(subscriber.lower())

    def unsubscribe_members(
        self, list_id: str, emails: Iterable[str]
    ) -> tuple[set[str], set[str]]:
        """See `ISubscriptionService`.

        Postorius's mass removal comes here, and Mailman tells nobody.
        """
        mlist = _our_list(list_id)
        if mlist is None:
            return super().unsubscribe_members(list_id, emails)
        found = {
            email: _memberships(mlist, [email.strip().lower()]) for email in set(emails)
        }
        # An address may be there twice, in two cases.
        everybody = {one.id: one for members in found.values() for one in members}
        end(mlist, everybody.values())
        success = {email for email, members in found.items() if members}
        return success, set(found) - success
