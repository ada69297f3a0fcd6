# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivery on lists of other styles: what Mailman would send, to the byte (R40).

It is done by Mailman's own delivery, unless the site wants one of two things there:

- *Fast delivery*: where each recipient has a copy of their own, the message is written
  once for all of a batch.  Mailman asks the database thirty times for each recipient.
- *One click* (RFC 8058): each copy to a member has the link to leave in
  List-Unsubscribe, where the list has that field.  That is a copy for each recipient,
  with the envelope sender that the one copy for all would have had.

Texts that name their reader, and ARC signatures, take Mailman's delivery, message by
message, as on lists of ours.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Iterator, Sequence
from email.header import Header
from email.utils import formataddr
from typing import Any

from mailman.config import config
from mailman.handlers.decorate import decorate as text_of
from mailman.interfaces.mailinglist import Personalization
from mailman.interfaces.mta import SomeRecipientsFailed
from mailman.model.address import Address
from mailman.model.user import User
from mailman.mta.bulk import BulkDelivery
from mailman.mta.deliver import Deliver
from mailman.utilities.string import expand
from sqlalchemy import select

from qnet_mailman.features import Features
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import keys
from qnet_mailman.model.base import store
from qnet_mailman.model.statements import chunks
from qnet_mailman.mta.bodies import Place
from qnet_mailman.mta.connection import Verbatim, VerbatimMixin
from qnet_mailman.mta.copies import (
    MEMBER_VARIABLES,
    Kind,
    filled,
    kind_of,
    stand_in,
)
from qnet_mailman.mta.pipelining import Message
from qnet_mailman.mta.refusal import EXCEEDED
from qnet_mailman.mta.wire import as_smtplib
from qnet_mailman.subscriptions import one_click
from qnet_mailman.subscriptions.one_click import BATCH

log = logging.getLogger('mailman.smtp')


class _AsStock(Verbatim):
    """A connection that sends what Mailman's would."""

    write = staticmethod(as_smtplib)
    blames_recipients = True


class _Bulk(VerbatimMixin, BulkDelivery):
    """Mailman's: one copy for many recipients."""

    kind = _AsStock


class _OneByOne(VerbatimMixin, Deliver):
    """Mailman's: a copy for each recipient, each made ready by itself."""

    kind = _AsStock

    def __init__(self, *, for_readers: bool, with_links: bool) -> None:
        """Become one.

        :param for_readers: Whether texts may name their reader; not where Mailman
            would send one copy to all.
        :param with_links: Whether members get a link to leave.
        """
        super().__init__()
        self._for_readers = for_readers
        self._with_links = with_links
        self._tokens: dict[str, str] = {}
        # Before the signature is made.
        self.callbacks.insert(0, self._add_link)

    def deliver(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> Any:
        """See `IMailTransportAgentDelivery`."""
        if self._with_links:
            self._tokens = _tokens(mlist, msgdata['recipients'])
        return super().deliver(mlist, msg, msgdata)

    def _add_link(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
        if not self._for_readers:
            msgdata['member'] = None
        token = self._tokens.get(msgdata['recipient'].lower())
        if token is not None:
            _link(msg, token)


class _Remembered:
    """A list that is asked once for each of its attributes."""

    def __init__(self, mlist: Mlist) -> None:
        self._mlist = mlist

    def __getattr__(self, name: str) -> Any:
        value = self.__dict__[name] = getattr(self._mlist, name)
        return value


class _FromBytes(VerbatimMixin, Deliver):
    """Copies for each recipient, from the bytes of one message."""

    kind = _AsStock

    def __init__(self, *, with_links: bool) -> None:
        super().__init__()
        self._with_links = with_links
        self._token = stand_in()
        self._ready: dict[tuple[bool, bool], Any] = {}
        self._written: dict[tuple[bool, bool], Any] = {}

    def deliver(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> Any:
        """See `IMailTransportAgentDelivery`."""
        return self._send_all(msg['message-id'], self._messages(mlist, msg, msgdata))

    def _messages(
        self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]
    ) -> Iterator[Message]:
        in_the_name = mlist.personalize is Personalization.full
        # For an envelope sender Mailman asks the database three times.
        sending: Any = _Remembered(mlist)
        for batch in chunks(msgdata['recipients'], BATCH):
            tokens = _tokens(mlist, batch) if self._with_links else {}
            names = _names(batch) if in_the_name else {}
            for recipient in batch:
                about = {**msgdata, 'recipient': recipient}
                sender = self._get_sender(sending, msg, about)
                token = tokens.get(recipient.lower())
                to = _to(recipient, names) if in_the_name else None
                data = self._copy(mlist, msg, about, token, to)
                yield Message(sender, [recipient], data)

    def _copy(
        self,
        mlist: Mlist,
        msg: Any,
        msgdata: dict[str, Any],
        token: str | None,
        to: str | None,
    ) -> bytes:
        """The bytes of a copy.

        :param to: The field To; None where it stays.
        """
        twice = msgdata['recipient'] in msgdata.get('add-dup-header', {})
        variant = (twice, token is not None)
        if variant not in self._ready:
            self._ready[variant] = self._made_ready(mlist, msg, msgdata, variant[1])
        if to is not None or variant not in self._written:
            ready = self._ready[variant]
            if to is not None:
                _set(ready, 'To', to)
            places: list[Place] = [bytes]
            self._written[variant] = filled(as_smtplib(ready), (self._token, places))
        data: bytes = self._written[variant](token or '')
        return data

    def _made_ready(
        self, mlist: Mlist, msg: Any, msgdata: dict[str, Any], with_link: bool
    ) -> Any:
        msg = copy.deepcopy(msg)
        del msg['bcc']
        if with_link:
            _link(msg, self._token)
        self.avoid_duplicates(mlist, msg, msgdata)
        self.decorate(mlist, msg, {**msgdata, 'member': None})
        return msg


def _tokens(mlist: Mlist, recipients: Sequence[str]) -> dict[str, str]:
    """The tokens of the recipients who are members, by address in lower case."""
    key = keys.signing()
    return {
        email: one_click.token_for(mlist, member, key)
        for email, member in one_click.memberships(mlist, recipients).items()
    }


def _link(msg: Any, token: str) -> None:
    """Put the link to leave before the address in List-Unsubscribe (RFC 8058)."""
    field = f'<{one_click.link(token)}>,\n\t{msg["List-Unsubscribe"]}'
    msg.replace_header('List-Unsubscribe', field)
    del msg['List-Unsubscribe-Post']
    msg['List-Unsubscribe-Post'] = 'List-Unsubscribe=One-Click'


def _names(recipients: Sequence[str]) -> dict[str, str]:
    """The display names of users, by their addresses; one statement."""
    wanted = [recipient.lower() for recipient in recipients]
    rows = store().execute(
        select(Address.email, User.display_name)
        .join(User, User.id == Address.user_id)
        .where(Address.email.in_(wanted))
    )
    return dict(rows.tuples().all())


def _to(recipient: str, names: dict[str, str]) -> str:
    """To, as Mailman's full personalization writes it."""
    name = names.get(recipient.lower())
    if name is None:
        return recipient
    return formataddr((Header(name).encode(), recipient))


def _set(msg: Any, name: str, value: str) -> None:
    if msg.get(name):
        msg.replace_header(name, value)
    else:
        msg[name] = value


def _names_its_reader(mlist: Mlist, msgdata: dict[str, Any]) -> bool:
    """Whether header or footer of a post do."""
    if msgdata.get('isdigest') or msgdata.get('nodecorate'):
        return False
    return any(
        MEMBER_VARIABLES.search(text_of(f'list:member:regular:{place}', mlist))
        for place in ('header', 'footer')
    )


def _agent_for(
    mlist: Mlist, msg: Any, msgdata: dict[str, Any], features: Features
) -> Any:
    """Who delivers a message."""
    each = msgdata.get('verp', False) or mlist.personalize is not Personalization.none
    with_links = (
        features.one_click
        and kind_of(msgdata) in (Kind.post, Kind.digest)
        # Mailman's own field; the list may have none, and let the author's pass.
        and msg.get('List-Unsubscribe') == f'<mailto:{mlist.leave_address}>'
    )
    if not (each or with_links):
        return _Bulk(int(config.mta.max_recipients))
    alike = not config.arc_enabled and not (each and _names_its_reader(mlist, msgdata))
    if alike and (features.fast_delivery or with_links):
        return _FromBytes(with_links=with_links)
    return _OneByOne(for_readers=bool(each), with_links=with_links)


def deliver(
    mlist: Mlist, msg: Any, msgdata: dict[str, Any], features: Features
) -> None:
    """As Mailman's `deliver`, which makes its agents itself.

    All of 5yz but 552 is final there.

    :raises SomeRecipientsFailed: as there.
    """
    agent = _agent_for(mlist, msg, msgdata, features)
    started = time.monotonic()
    refused = agent.deliver(mlist, msg, msgdata)
    agent._connection.quit()
    _log(mlist, msg, msgdata, refused, time.monotonic() - started)
    final = {code: code >= 500 and code != EXCEEDED for code, _ in refused.values()}
    temporary = [one for one, (code, _) in refused.items() if not final[code]]
    permanent = [
        (one, code, reply) for one, (code, reply) in refused.items() if final[code]
    ]
    if refused:
        raise SomeRecipientsFailed(temporary, permanent)


def _log(
    mlist: Mlist, msg: Any, msgdata: dict[str, Any], refused: Any, took: float
) -> None:
    """What the templates of ``[logging.smtp]`` say of a delivery."""
    size = getattr(msg, 'original_size', msgdata.get('original_size'))
    known = {
        'msgid': str(msg.get('message-id', 'n/a')).strip(),
        'listname': mlist.fqdn_listname,
        'sender': msgdata.get('original-sender', msg.sender),
        'recip': len(msgdata['recipients']),
        'size': len(msg.as_string()) if size is None else size,
        'time': took,
        'refused': len(refused),
        'smtpcode': 'n/a',
        'smtpmsg': 'n/a',
    }
    named = [*msg.get_all('to', []), *msg.get_all('cc', [])]
    lines = [('every', known)]
    if refused:
        lines.append(('refused', known))
    elif msgdata.get('to_list', False):
        lines.append(('success', known))
    else:
        lines.append(('success', {**known, 'recip': ','.join(map(str, named))}))
    lines += [
        ('failure', {**known, 'recip': recipient, 'smtpcode': code, 'smtpmsg': reply})
        for recipient, (code, reply) in refused.items()
    ]
    for name, values in lines:
        template = getattr(config.logging.smtp, name)
        if template.lower() != 'no':
            log.info('%s', expand(template, mlist, values))
