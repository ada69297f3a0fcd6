# SPDX-License-Identifier: GPL-3.0-or-later
"""How one becomes a member of one list (R11, R12).

A list's visibility decides, whatever Mailman's `subscription_policy` says:

- public: the subscriber confirms, then is a member;
- private: an administrator approves, then the subscriber confirms, then is a member.
  Mailman knows only the other order.

Whoever is signed in with a verified address (`pre_confirmed`) need not confirm for a
public list.  People whom an administrator adds (`pre_approved`) or invites need no
approval.

Every wait is a pending of Mailman's with its workflow state, both in the database: a
restart loses nothing, Postorius shows it, and it expires.  An address has at most one
for each list.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import click
from lazr.config import as_timedelta
from mailman.app import subscriptions as stock
from mailman.config import config
from mailman.interfaces.address import InvalidEmailAddressError
from mailman.interfaces.bans import IBanManager
from mailman.interfaces.member import (
    AlreadySubscribedError,
    MemberRole,
    MembershipError,
    MembershipIsBannedError,
)
from mailman.interfaces.subscriptions import SubscriptionPendingError, TokenOwner
from mailman.interfaces.usermanager import IUserManager
from mailman.model.address import Address
from mailman.model.pending import Pended, PendedKeyValue
from mailman.utilities.datetime import now
from sqlalchemy import select, update
from zope.component import getUtility

from qnet_mailman import site
from qnet_mailman.clock import in_words
from qnet_mailman.mail.answers import Question, how_to_answer
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import pendings, return_addresses, tokens
from qnet_mailman.model.base import store
from qnet_mailman.model.closures import closure_of
from qnet_mailman.model.finding import list_at
from qnet_mailman.model.lists import row_of
from qnet_mailman.posting import backscatter
from qnet_mailman.subscriptions import moderator_notices, reminder_times
from qnet_mailman.templates.sending import one_line, send
from qnet_mailman.values import Visibility

PEND_TYPE = stock.PendableSubscription.PEND_TYPE

log = logging.getLogger('mailman.subscribe')


class Why(StrEnum):
    """Why a subscriber is asked to confirm."""

    request = 'request'
    """Somebody asked for it."""
    approved = 'approved'
    """Somebody asked for it, and an administrator approved (R12)."""
    invitation = 'invitation'
    """An administrator invites."""


@dataclass(frozen=True)
class Pending:
    """A request to join that waits."""

    token: str
    owner: TokenOwner
    """Who has to answer."""
    why: Why
    asked_at: datetime
    """In UTC, as `expires_at`."""
    expires_at: datetime


def pendings_of(email: str) -> dict[str, Pending]:
    """The requests of an address that wait, by list; expired ones are none.

    One statement, along the index on the values of pendings.

    :param email: In lower case.
    """
    return {
        one.values['list_id']: Pending(
            token=one.token,
            owner=TokenOwner[one.values['token_owner']],
            why=Why(one.values.get('why', Why.request)),
            asked_at=datetime.fromisoformat(one.values['when']),
            expires_at=one.expires_at,
        )
        for one in pendings.read(pendings.having('email', [email]))
        if one.values['type'] == PEND_TYPE and one.expires_at >= now()
    }


def link(token: str) -> str | None:
    """The page with the button that confirms; None without a web side."""
    web_url = site.settings().web_url
    return None if web_url is None else f'{web_url}/signup/confirm/{token}/'


def by_web(token: str) -> str:
    """The way to confirm in a browser, before "answer this message"."""
    where = link(token)
    return '' if where is None else f'open\n\n  Confirm:\n  {where}\n\nor '


def is_private(mlist: Mlist) -> bool:
    """Whether nobody joins a list without approval."""
    row = row_of(mlist)
    return row is not None and row.visibility == Visibility.private


class ListClosed(MembershipError, click.ClickException):
    """Nobody joins a list that is closed.

    REST answers with 409 and this text; Mailman's own commands end with it.
    """

    def __init__(self, mlist: Mlist) -> None:
        text = f'{mlist.fqdn_listname} is closed: nobody can join it'
        click.ClickException.__init__(self, text)

    def __str__(self) -> str:
        return self.message


class AddressOfList(InvalidEmailAddressError, click.ClickException):
    """The address of a list of this site joins no list in any ordinary way.

    REST answers with 400; Mailman's own commands end with this text.
    """

    def __init__(self, email: str) -> None:
        text = (
            f'{email} is the address of a list: only "mailman qnet sublists add" '
            'subscribes a list to another'
        )
        click.ClickException.__init__(self, text)
        self.address = email

    def __str__(self) -> str:
        return self.message


class SubscriptionWorkflow(stock.SubscriptionWorkflow):
    """Mailman's workflow of a request to join, in our order."""

    token: Any
    user: Any

    SAVE_ATTRIBUTES = (*stock.SubscriptionWorkflow.SAVE_ATTRIBUTES, 'approved')

    def __init__(self, mlist: Mlist, subscriber: Any = None, **options: Any) -> None:
        super().__init__(mlist, subscriber, **options)
        self.approved = False

    @property
    def address_key(self) -> str:
        """The address, for Mailman's table of workflow states."""
        return self.address.email

    @address_key.setter
    def address_key(self, email: str) -> None:
        self.address = getUtility(IUserManager).get_address(email)
        if self.address is None:
            # Somebody deleted it meanwhile.
            raise LookupError(email)

    @property
    def _why(self) -> Why:
        if self.invitation:
            return Why.invitation
        return Why.approved if self.approved else Why.request

    @property
    def _proven(self) -> bool:
        """Whether the request is known to be the address owner's."""
        return self.pre_confirmed and (
            self.pre_verified or self.address.verified_on is not None
        )

    @property
    def _needs_approval(self) -> bool:
        return not self.pre_approved and is_private(self.mlist)

    def _set_token(self, token_owner: TokenOwner) -> None:
        if self.token is not None:
            tokens.spend(self.token)
            self.token = None
        self.token_owner = token_owner
        if token_owner is TokenOwner.no_one:
            return
        moment = now().replace(microsecond=0)
        lifetime = (
            site.settings().signup_lifetime
            if token_owner is TokenOwner.subscriber
            else as_timedelta(config.mailman.moderator_request_life)
        )
        self.token = tokens.pend(
            self.PENDABLE_CLASS(
                list_id=self.mlist.list_id,
                email=self.address.email,
                display_name=self.address.display_name,
                when=moment.isoformat(),
                token_owner=token_owner.name,
                why=self._why.value,
                **_reminder(token_owner, self._why, moment, moment + lifetime),
            ),
            lifetime,
        )
        self._pending = Pending(
            self.token, token_owner, self._why, moment, moment + lifetime
        )

    def _refuse_if_closed(self) -> None:
        if closure_of(self.mlist.list_id) is not None:
            raise ListClosed(self.mlist)

    def _step_sanity_checks(self) -> None:
        self._refuse_if_closed()
        users = getUtility(IUserManager)
        if self.user is None:
            self.user = users.make_user(self.address.email, self.address.display_name)
        elif self.address is None:
            # A user without a preferred address: any, as Mailman does.
            self.address = next(iter(self.user.addresses))
        self._refuse_members()
        if IBanManager(self.mlist).is_banned(self.address.email):
            raise MembershipIsBannedError(self.mlist, self.address.email)
        self._refuse_lists()
        pending = pendings_of(self.address.email).get(self.mlist.list_id)
        if pending is not None:
            self._ask_again(pending)
        self.push('verification_checks')

    def _refuse_lists(self) -> None:
        # Before anything is sent: what is sent to a list is a post.
        if list_at(self.address.email) is not None:
            raise AddressOfList(self.address.email)

    def _refuse_members(self) -> None:
        by_user = self.user is not None and self.user.preferred_address == self.address
        if (by_user and self.mlist.is_subscribed(self.user)) or (
            self.mlist.is_subscribed(self.address)
        ):
            raise AlreadySubscribedError(
                self.mlist.fqdn_listname, self.address.email, MemberRole.member
            )

    def _ask_again(self, pending: Pending) -> None:
        """Replace what waits, repeat its mail, or refuse to ask twice."""
        waits_for_approval = pending.owner is TokenOwner.moderator
        if self.invitation and pending.why is Why.invitation:
            self.token, self.token_owner = pending.token, pending.owner
            self._ask(_renewed(pending))
            raise StopIteration
        if (
            self.invitation
            or (self._proven and not self._needs_approval)
            or (self.pre_approved and waits_for_approval)
        ):
            tokens.spend(pending.token)
            return
        if not waits_for_approval and (
            self.pre_approved or backscatter.mail_allowed(self.address.email)
        ):
            self._ask(_renewed(pending))
        raise SubscriptionPendingError(self.mlist, self.address.email)

    def _step_verification_checks(self) -> None:
        if self.invitation:
            self.push('send_invitation')
        elif self._needs_approval:
            self.push('get_moderator_approval')
        elif self._proven:
            self._verify()
            self.push('do_subscription')
        else:
            self.push('send_confirmation')

    def _verify(self) -> None:
        if self.address.verified_on is None:
            self.address.verified_on = now()

    def _step_get_moderator_approval(self) -> None:
        self._set_token(TokenOwner.moderator)
        self.push('subscribe_from_restored')
        self.save()
        log.info(
            '%s: held subscription request from %s',
            self.mlist.fqdn_listname,
            self.address.email,
        )
        if self.mlist.admin_immed_notify:
            moderator_notices.join_request(
                self.mlist,
                self.token,
                self.address.original_email,
                self.address.display_name or self.user.display_name or '',
                self._pending.asked_at,
                self._pending.expires_at,
            )
        raise StopIteration

    def _step_subscribe_from_restored(self) -> None:
        # Mailman's name of the step after the approval.  Whoever approved, the
        # subscriber confirms after it (R12), signed in before or not.
        self._refuse_if_closed()
        # A list may have been made with the address since it was asked for.
        self._refuse_lists()
        self._restore_subscriber()
        self.approved = self.pre_approved = True
        try:
            self._refuse_members()
        except AlreadySubscribedError:
            self._set_token(TokenOwner.no_one)
            raise
        self.push('send_confirmation')

    def _step_send_confirmation(self) -> None:
        self._set_token(TokenOwner.subscriber)
        self.push('do_confirm_verify')
        self.save()
        # An administrator's doing is not limited: it is no stranger's.
        if self.pre_approved or backscatter.mail_allowed(self.address.email):
            self._ask(self._pending)
        raise StopIteration

    def _step_send_invitation(self) -> None:
        self._set_token(TokenOwner.subscriber)
        self.push('do_confirm_verify')
        self.save()
        self._ask(self._pending)
        raise StopIteration

    def _step_do_confirm_verify(self) -> None:
        self._refuse_if_closed()
        self._refuse_lists()
        self._restore_subscriber()
        self._set_token(TokenOwner.no_one)
        self._verify()
        # A list may have become private while its subscriber was thinking.
        self.push(
            'get_moderator_approval' if self._needs_approval else 'do_subscription'
        )

    def _step_do_subscription(self) -> None:
        # Mailman's table takes a member twice.  A write to the address's row lets
        # a second process wait here until the first is done, on SQLite too.
        store().execute(
            update(Address)
            .where(Address.id == self.address.id)
            .values(registered_on=Address.registered_on)
            .execution_options(synchronize_session=False)
        )
        self._refuse_members()
        super()._step_do_subscription()
        log.info('%s: %s joined', self.mlist.fqdn_listname, self.address.email)

    def _restore_subscriber(self) -> None:
        if self.user is None:
            self.user = getUtility(IUserManager).make_user(self.address.email)
        # Only if the user still prefers the address that was asked for.
        by_user = (
            self.which is stock.WhichSubscriber.user
            and self.user.preferred_address == self.address
        )
        self.subscriber = self.user if by_user else self.address

    def _ask(self, pending: Pending) -> None:
        """Send the mail whose link, or answer, confirms."""
        confirm_address = return_addresses.confirm_address(self.mlist, pending.token)
        about = one_line(self.mlist.description or '')
        email = self.address.original_email
        if pending.why is Why.invitation:
            template = 'list:user:action:invite'
            subject = f'Invitation to {self.mlist.display_name}'
        else:
            template = 'list:user:action:subscribe'
            subject = f'Please confirm that you join {self.mlist.display_name}'
        send(
            self.mlist,
            email,
            template,
            subject,
            {
                'user_email': email,
                'when': in_words(pending.asked_at),
                'approved': APPROVED if pending.why is Why.approved else '',
                'about': f'{about}\n\n' if about else '',
                'by_web': by_web(pending.token),
                'how_to_answer': how_to_answer(self.mlist, Question.join),
                'expires': in_words(pending.expires_at),
                # Mailman's names, for a text that an operator wrote for it.
                'token': pending.token,
                'subject': subject,
                'confirm_email': confirm_address,
                'confirm_address': confirm_address,
                'email_address': email,
                'domain_name': self.mlist.mail_host,
                'contact_address': self.mlist.owner_address,
            },
            sender=confirm_address,
        )


APPROVED = 'The administrators of the list have approved the request.\n\n'


def _reminder(
    owner: TokenOwner, why: Why, begin: datetime, end: datetime
) -> dict[str, str]:
    """When whoever has to answer is reminded of it; an invitation is sent once."""
    settings = site.settings()
    if owner is TokenOwner.moderator:
        key, after = reminder_times.ADMINISTRATORS, settings.join_request_reminders
    elif why is Why.invitation:
        return {}
    else:
        key, after = reminder_times.SUBSCRIBER, (settings.signup_reminder,)
    return reminder_times.values(
        key, reminder_times.next_reminder(after, begin, end, settings.time_zone)
    )


def _renewed(pending: Pending) -> Pending:
    """Let what waits wait the whole time again, as its mail is sent again."""
    moment = now().replace(microsecond=0)
    expires_at = moment + site.settings().signup_lifetime
    pended = update(Pended).where(Pended.token == pending.token)
    store().execute(pended.values(expiration_date=expires_at))
    # Whoever was reminded is not reminded again.
    for key, value in _reminder(pending.owner, pending.why, moment, expires_at).items():
        store().execute(
            update(PendedKeyValue)
            .where(
                PendedKeyValue.key == key,
                PendedKeyValue.pended_id.in_(
                    select(Pended.id).where(Pended.token == pending.token)
                ),
            )
            .values(value=json.dumps(value))
            .execution_options(synchronize_session=False)
        )
    return Pending(
        pending.token, pending.owner, pending.why, pending.asked_at, expires_at
    )
