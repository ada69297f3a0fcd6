# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivery: `[mta] outgoing` (R15).

A message is written once and each copy is filled in from its bytes (:mod:`.copies`):
for a batch of recipients two SQL statements, for a recipient none.  Its envelope sender
has a token of its own (R35).  Where copies differ
in more than a token (Mailman's personalization, a footer that names its reader, ARC
signatures), it is Mailman's own delivery, message by message.  What the site itself
writes belongs to no list: one copy for all, with nothing personal in it.

On a list of another style it is what Mailman would send (:mod:`.other_lists`, R40).
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Iterator
from email.message import Message as Mail
from typing import Any

from mailman.config import config
from mailman.interfaces.mailinglist import Personalization
from mailman.mta.base import BaseDelivery
from mailman.mta.bulk import BulkDelivery
from mailman.mta.deliver import Deliver

from qnet_mailman.features import features_of_others
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.lists import row_of
from qnet_mailman.model.statements import chunks
from qnet_mailman.mta import other_lists
from qnet_mailman.mta.connection import VerbatimMixin
from qnet_mailman.mta.copies import Copies
from qnet_mailman.mta.fields import encode_fields
from qnet_mailman.mta.pipelining import Message
from qnet_mailman.mta.refusal import (
    NO_REPLY,
    UNAVAILABLE,
    RecipientsFailed,
    is_final,
    text_of,
)
from qnet_mailman.mta.wire import shorten_lines
from qnet_mailman.subscriptions.one_click import BATCH, Membership, Tokens

IS_OURS = 'qnet_ours'
"""In the metadata: whether the list had one of our styles when its turn came."""

log = logging.getLogger('mailman.smtp')


class _Bulk(VerbatimMixin, BulkDelivery):
    """One copy for many recipients."""

    def __init__(self, copies: Copies) -> None:
        super().__init__(int(config.mta.max_recipients))
        self._copies = copies

    def _get_sender(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> Any:
        """See `BaseDelivery`."""
        if self._copies.have_own_senders and msgdata.get('sender') is None:
            return self._copies.sender_for(None)
        return super()._get_sender(mlist, msg, msgdata)


class _FromSite(VerbatimMixin, BaseDelivery):
    """One copy of what belongs to no list."""

    def deliver(self, mlist: None, msg: Mail, msgdata: dict[str, Any]) -> Any:
        """See `IMailTransportAgentDelivery`."""
        msg = copy.deepcopy(msg)
        encode_fields(msg)
        shorten_lines(msg)
        return self._deliver_to_recipients(mlist, msg, msgdata, msgdata['recipients'])


class _OneByOne(VerbatimMixin, Deliver):
    """A copy for each recipient, each made ready by itself."""

    def __init__(self, copies: Copies) -> None:
        super().__init__()
        self._copies = copies
        self._members: dict[str, Membership] = {}
        self._tokens: dict[str, Tokens] = {}

    def deliver(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> Any:
        """See `IMailTransportAgentDelivery`."""
        if self._copies.have_tokens or self._copies.have_own_senders:
            self._members = self._copies.memberships(msgdata['recipients'])
        self._tokens = self._copies.tokens(self._members)
        return super().deliver(mlist, msg, msgdata)

    def _get_sender(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> Any:
        """See `BaseDelivery`."""
        if self._copies.have_own_senders:
            member = self._members.get(msgdata['recipient'].lower())
            return self._copies.sender_for(member)
        return super()._get_sender(mlist, msg, {**msgdata, 'verp': False})

    def decorate(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
        """In place of Mailman's own header and footer."""
        recipient = msgdata['recipient']
        tokens = self._tokens.get(recipient.lower())
        # Mailman finds no member whose address has capital letters.
        member = msgdata['member'] or mlist.members.get_member(recipient.lower())
        self._copies.dress(msg, tokens, member, recipient)


class _FromBytes(_Bulk):
    """Copies from the bytes of one message."""

    def deliver(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> Any:
        """See `IMailTransportAgentDelivery`."""
        return self._send_all(msg['message-id'], self._messages(mlist, msg, msgdata))

    def _messages(
        self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]
    ) -> Iterator[Message]:
        copies = self._copies
        for_all = str(self._get_sender(mlist, msg, msgdata))
        each_their_own = msgdata.get('verp', False) or copies.are_personal
        twice = msgdata.get('add-dup-header', {})
        for batch in chunks(sorted(msgdata['recipients']), BATCH):
            members: dict[str, Membership] = {}
            if copies.have_tokens or (each_their_own and copies.have_own_senders):
                members = copies.memberships(batch)
            tokens = copies.tokens(members)
            if each_their_own or tokens:
                names = [recipient.lower() for recipient in batch]
                senders = [for_all] * len(batch)
                if copies.have_own_senders:
                    senders = copies.senders_for(map(members.get, names))
                for recipient, name, sender in zip(batch, names, senders, strict=True):
                    own = tokens.get(name)
                    written = copies.copy(own, duplicate=recipient in twice)
                    yield Message(sender, [recipient], *written)
            else:
                written = copies.copy(None)
                for chunk in self.chunkify(batch):
                    sender = (
                        copies.sender_for(None) if copies.have_own_senders else for_all
                    )
                    yield Message(sender, sorted(chunk), *written)


def _agent_for(mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> tuple[Any, Any]:
    """Who delivers a message, and what."""
    if mlist is None:
        return _FromSite(), msg
    copies = Copies(mlist, msg, msgdata)
    if not copies.must_be_made_one_by_one:
        return _FromBytes(copies), msg
    if (
        msgdata.get('verp', False)
        or mlist.personalize is not Personalization.none
        or copies.are_personal
    ):
        return _OneByOne(copies), msg
    # Without header and footer, and without what is personal.
    msg = copy.deepcopy(msg)
    copies.dress(msg, None)
    msgdata['nodecorate'] = True
    return _Bulk(copies), msg


def _is_ours(mlist: Mlist, msgdata: dict[str, Any]) -> bool:
    """Whose rules hold: as the runner found, which has prepared the message."""
    known = msgdata.get(IS_OURS)
    return row_of(mlist) is not None if known is None else bool(known)


def deliver(mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
    """Deliver a message; see `IMailTransportAgentDelivery`.

    :param mlist: None for what the site itself writes.
    :raises RecipientsFailed: with the recipients that the mail server refused; on a
        list of another style it is Mailman's `SomeRecipientsFailed`.
    """
    recipients = msgdata.get('recipients')
    if not recipients:
        return
    if mlist is not None and not _is_ours(mlist, msgdata):
        other_lists.deliver(mlist, msg, msgdata, features_of_others())
        return
    message_id = msg.get('message-id', 'n/a')
    started = time.monotonic()
    agent, msg = _agent_for(mlist, msg, msgdata)
    refused = agent.deliver(mlist, msg, msgdata)
    agent._connection.quit()
    log.info(
        '%s smtp to %s for %d recipients, %d refused, in %.3f seconds',
        message_id,
        'no list' if mlist is None else mlist.fqdn_listname,
        len(recipients),
        len(refused),
        time.monotonic() - started,
    )
    temporary, permanent = {}, []
    for recipient, (code, reply) in refused.items():
        text = text_of(reply)
        if code == UNAVAILABLE:
            code = NO_REPLY
        log.info('%s to %s failed: %s %s', message_id, recipient, code, text)
        if is_final(code, text):
            permanent.append((recipient, code, text))
        else:
            temporary[recipient] = (code, text)
    if temporary or permanent:
        failed = RecipientsFailed(temporary, permanent)
        failed.too_large = agent._connection.too_large
        raise failed
