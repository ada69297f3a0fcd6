# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailman's LMTP server: for every list, for what we handed out, and losing nothing.

- The addresses that we hand out (R35) name no list: their token says which.  Whose
  bounce a report is, or which question is answered, is read from the recipient, and
  goes along into the queue.
- Every report is taken, however broken: a bounce has nobody whom a refusal could tell.
  So is any other message that the next runner can read; where one cannot be read, its
  sender is told why.  Posts and commands for lists of other styles are Mailman's
  business, who takes none with defects (R40).
- What cannot be written to its queue (the disk is full), or whose list cannot be looked
  for (the database has gone away), stock refuses with 550: the sender's server gives
  the message up.  Here the answer is 451, and that server tries again (R33).  Half a
  message does not stay on the disk.  A message on which Mailman fails is refused for
  good.
- Mail to `forms_address` is for operators (:mod:`.form_mail`).  While it cannot be told
  whether an address is that one, the answer is 451, too.
- Stock reads the names of all lists for each recipient and each message; here only
  those that the recipients could be.
"""

from __future__ import annotations

import copy
import logging
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from email.utils import make_msgid, parseaddr
from typing import Any

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import DATA_SIZE_DEFAULT
from mailman.config import config
from mailman.email.message import Message
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.listmanager import IListManager
from mailman.runners import lmtp
from mailman.utilities.datetime import now
from mailman.utilities.email import add_message_hash
from public import public
from sqlalchemy.exc import SQLAlchemyError
from zope.component import getUtility

from qnet_mailman import site
from qnet_mailman.bounces.whose import RECIPIENT
from qnet_mailman.logs.context import at_work
from qnet_mailman.mail import intake
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import listnames, return_addresses
from qnet_mailman.model.lists import row_of
from qnet_mailman.mta.fields import in_ascii
from qnet_mailman.posting import door
from qnet_mailman.queues import handover, heartbeat
from qnet_mailman.review import arrival
from qnet_mailman.subscriptions.replies import PENDING
from qnet_mailman.values import BOUNCES, CONFIRM

ERR_451 = '451 4.3.0 The mailing lists cannot be reached now; try again later'
NO_LIST = '550 5.1.1 There is no mailing list {address}'
TOO_LARGE = '552 5.3.4 The message is too large; at most {most} MB can be taken'
ERR_554 = '554 5.6.0 Transaction failed: the message cannot be read'
TOO_DEEP = (
    '554 5.6.0 The message has more than {most} parts or messages inside one another; '
    'send it again without them'
)
TOO_MANY = (
    '554 5.6.0 The message has more than {most} parts; send it in several messages, or '
    'its files in one archive'
)

ENHANCED = {
    '421': '4.3.2',
    '450': '4.3.0',
    '451': '4.3.0',
    '452': '4.3.1',
    '500': '5.5.2',
    '501': '5.5.4',
    '502': '5.5.1',
    '503': '5.5.1',
    '504': '5.5.4',
    '553': '5.1.3',
    '555': '5.5.4',
}
"""Codes (RFC 3463) for refusals of the server itself, which has none."""

ENTRY = 'message'
"""The runner takes one message at a time."""

MAX_ADDRESS = 320
"""Characters of an address in a reply (RFC 5321 section 4.5.3.1)."""

_HAS_CODE = re.compile(r'[245]\.\d{1,3}\.\d{1,3} ')

log = logging.getLogger('mailman.smtp')


class Handler(lmtp.LMTPHandler):
    """Takes messages."""

    def _handle_RCPT(
        self, server: Any, session: Any, envelope: Any, to: str, rcpt_options: Any
    ) -> str:
        try:
            if not arrival.is_for_forms(to):
                return self._known(server, session, envelope, to, rcpt_options)
            refused = arrival.refusal()
            config.db.commit()
        except site.NotReady:
            reply = self._known(server, session, envelope, to, rcpt_options)
            return ERR_451 if reply.startswith('550') else reply
        except Exception:
            config.db.abort()
            log.exception('Mail for request forms is put off')
            return ERR_451
        if refused is not None:
            log.warning(
                'No request form taken from %s: %s', envelope.mail_from, refused
            )
            return refused
        envelope.rcpt_tos.append(to)
        envelope.rcpt_options.extend(rcpt_options)
        return '250 Ok'

    def _known(
        self, server: Any, session: Any, envelope: Any, to: str, rcpt_options: Any
    ) -> str:
        try:
            is_ours = _handed_out(to) is not None
            config.db.commit()
        except Exception:
            config.db.abort()
            log.exception('Address verification: %s', to)
            return ERR_451
        if is_ours:
            envelope.rcpt_tos.append(to)
            envelope.rcpt_options.extend(rcpt_options)
            return '250 Ok'
        with listnames.only(could_be([to])):
            reply: str = super()._handle_RCPT(
                server, session, envelope, to, rcpt_options
            )
        if reply == lmtp.ERR_550:
            address = to.encode('ascii', 'backslashreplace').decode('ascii')
            return NO_LIST.format(address=address[:MAX_ADDRESS])
        return ERR_451 if reply == lmtp.ERR_451 else reply

    def _handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        entry = handover.Handover('lmtp', ENTRY)
        entry.discard()
        try:
            with handover.collecting(entry):
                replies = self._taken(server, session, envelope)
            entry.move()
        except Exception as error:
            log.exception('A message could not be taken')
            config.db.abort()
            entry.discard()
            is_ours = isinstance(error, (OSError, SQLAlchemyError))
            replies = [ERR_451 if is_ours else ERR_554]
            # RFC 2033 section 4.2: one for each recipient.
            replies *= len(envelope.rcpt_tos)
        return lmtp.CRLF.join(replies)

    def _taken(self, server: Any, session: Any, envelope: Any) -> list[str]:
        """Put a message into its queues; the replies, in the order of recipients."""
        ours = [_is_for_forms(to) for to in envelope.rcpt_tos]
        mine = ''
        if any(ours):
            mine = arrival.keep(envelope.content, envelope.mail_from or '')
        rest = copy.copy(envelope)
        rest.rcpt_tos = [
            to
            for to, is_ours in zip(envelope.rcpt_tos, ours, strict=True)
            if not is_ours
        ]
        of_lists = iter(self._taken_by_lists(server, session, rest))
        return [mine if is_ours else next(of_lists) for is_ours in ours]

    def _taken_by_lists(self, server: Any, session: Any, envelope: Any) -> list[str]:
        if not envelope.rcpt_tos:
            return []
        msg, is_too_deep = _message(envelope)
        with at_work(message_id=str(msg['message-id'])):
            return self._handed_on(envelope, msg, is_too_deep)

    def _handed_on(self, envelope: Any, msg: Any, is_too_deep: bool) -> list[str]:
        received = now()
        with listnames.only(could_be(envelope.rcpt_tos)):
            names = set(getUtility(IListManager).names)
        replies = []
        for to in envelope.rcpt_tos:
            if (probe := door.token_of(parseaddr(to)[1])) is not None:
                door.note(probe, msg, site.settings())
                replies.append('250 Ok')
                continue
            found = _destination(to, names)
            if found is None:
                # What RCPT took was there then.
                replies.append(ERR_451)
                continue
            queue, mlist, msgdata = found
            refused = None
            if queue != BOUNCES:
                refused = _refusal(mlist, msg, is_too_deep)
            if refused is None:
                msgdata['original_size'] = msg.original_size
                refused = _queued(queue, msg, msgdata, received)
            replies.append(refused or '250 Ok')
        config.db.commit()
        return replies


def _queued(
    queue: str, msg: Any, msgdata: dict[str, Any], received: datetime
) -> str | None:
    """Put a message into a queue; if that fails, the LMTP reply.

    What another recipient of the message gets, has no part in it.
    """
    try:
        config.switchboards[queue].enqueue(msg, msgdata, received_time=received)
    except OSError:
        log.exception('A message could not be put into the queue %s', queue)
        return ERR_451
    return None


def _message(envelope: Any) -> tuple[Any, bool]:
    """The message of an envelope, as Mailman's LMTP runner makes it."""
    msg, is_too_deep = intake.parse(envelope.content, Message)
    msg.set_unixfrom(envelope.mail_from)
    values = [value for name, value in msg.raw_items() if name.lower() == 'message-id']
    # One with 8-bit text (RFC 6532) has the same name wherever it is written in ASCII.
    message_id = in_ascii('message-id', str(values[0])) if values else make_msgid()
    # Mailman's own workaround for one that is in brackets (its issue 1065).
    message_id = re.sub(r'^<?\[(.*)\]>?', r'<\1>', message_id)
    if not values:
        msg['Message-ID'] = message_id
    elif message_id != values[0]:
        msg.replace_header('Message-ID', message_id)
    msg.original_size = len(envelope.content)
    add_message_hash(msg)
    msg['X-MailFrom'] = envelope.mail_from
    return msg, is_too_deep


def _refusal(mlist: Mlist, msg: Any, is_too_deep: bool) -> str | None:
    """Why a message that is no report is not taken, as an LMTP reply."""
    if is_too_deep:
        return TOO_DEEP.format(most=intake.MAX_DEPTH)
    if intake.has_too_many_parts(msg):
        return TOO_MANY.format(most=intake.MAX_PARTS)
    if msg.defects and row_of(mlist) is None:
        return lmtp.ERR_501
    return None


def _destination(to: str, names: set[str]) -> tuple[str, Any, dict[str, Any]] | None:
    """Where mail to an envelope recipient goes: the queue, the list, and what about it.

    The list is None for reports that are about none.

    :param names: The posting addresses of the lists that it could be.
    """
    to = parseaddr(to)[1].lower()
    handed_out = _handed_out(to)
    if handed_out is not None:
        mlist = handed_out.mlist
        listid = {} if mlist is None else {'listid': mlist.list_id}
        about = {'subaddress': handed_out.name, **listid}
        if handed_out.name == CONFIRM:
            return 'command', mlist, {**about, PENDING: handed_out.pending}
        return BOUNCES, mlist, {**about, RECIPIENT: to}
    local, subaddress, domain = lmtp.split_recipient(to)
    if subaddress is not None and f'{local}-{subaddress}@{domain}' in names:
        # It is the name of a list.
        local, subaddress = f'{local}-{subaddress}', None
    if f'{local}@{domain}' not in names:
        return None
    mlist = getUtility(IListManager).get_by_fqdn(f'{local}@{domain}')
    if mlist is None:
        return None
    msgdata: dict[str, Any] = {'listid': mlist.list_id}
    if subaddress is None:
        return 'in', mlist, {**msgdata, 'to_list': True}
    canonical = lmtp.SUBADDRESS_NAMES[subaddress]
    msgdata['subaddress'] = canonical
    if canonical == 'request':
        msgdata['to_request'] = True
    elif canonical == 'owner':
        msgdata.update(to_owner=True, envsender=config.mailman.site_owner)
    elif canonical == BOUNCES:
        msgdata[RECIPIENT] = to
    return lmtp.SUBADDRESS_QUEUES[canonical], mlist, msgdata


def _handed_out(to: str) -> return_addresses.Returned | None:
    """What of an address that we handed out came back; None if it is none.

    So is one at a domain of lists whose token is of no list: reports that are forged
    are to be told of, not to be lost.
    """
    returned = return_addresses.returned(parseaddr(to)[1])
    if returned is None or returned.mlist is not None:
        return returned
    if returned.name == CONFIRM:
        return None if door.token_of(parseaddr(to)[1]) is None else returned
    name, _, domain = lmtp.split_recipient(f'{returned.name}@{returned.domain}')
    with listnames.only([f'{name}@{domain}']):
        is_a_list = any(getUtility(IListManager).names)
    is_there = getUtility(IDomainManager).get(domain) is not None
    return returned if is_there and not is_a_list else None


def _is_for_forms(recipient: str) -> bool:
    try:
        return arrival.is_for_forms(recipient)
    except site.NotReady:
        # RCPT took none such.
        return False


def could_be(recipients: Iterable[str]) -> Iterator[str]:
    """The lists that envelope recipients could be for, as Mailman reads them."""
    for recipient in recipients:
        to = parseaddr(recipient)[1].lower()
        if '@' not in to:
            continue
        name, subaddress, domain = lmtp.split_recipient(to)
        yield f'{name}@{domain}'
        if subaddress is not None:
            yield f'{name}-{subaddress}@{domain}'


class _Server(LMTP):
    """Takes lines of any length: reports return them as they were written."""

    line_length_limit = DATA_SIZE_DEFAULT

    async def push(self, status: Any) -> None:
        """Refuse with an enhanced code, too (RFC 2034), and say what is too large."""
        # What Mailman's own code refuses is left as it is (R40).
        if isinstance(status, str) and status != lmtp.ERR_501:
            code, _, text = status.partition(' ')
            if _HAS_CODE.match(text):
                pass
            elif code == '552':
                status = TOO_LARGE.format(most=DATA_SIZE_DEFAULT // 1024**2)
            elif code in ENHANCED:
                status = f'{code} {ENHANCED[code]} {text}'
        await super().push(status)


class Controller(lmtp.LMTPController):
    """Runs the server."""

    def factory(self) -> LMTP:
        """See `aiosmtpd.controller.Controller`."""
        # A mail server does not hand over a message beyond ASCII (RFC 6532) where
        # SMTPUTF8 is not offered (RFC 6531 section 3.1), and has nobody to tell if that
        # is a report.
        server = _Server(self.handler, enable_SMTPUTF8=True)
        server.__ident__ = 'GNU Mailman LMTP runner 2.0'
        return server


@public
class LMTPRunner(lmtp.LMTPRunner):
    """Takes mail from the mail server."""

    def __init__(self, name: str, slice: int | None = None) -> None:
        handover.use_handover()
        super().__init__(name, slice)
        # Nothing listens before it is started.
        self.lmtp = Controller(
            Handler(),
            hostname=config.mta.lmtp_host,
            port=int(config.mta.lmtp_port),
        )

    def _snooze(self, filecnt: int) -> None:
        """See `IRunner`."""
        heartbeat.beat(f'{self.name}:0')
        super()._snooze(filecnt)
