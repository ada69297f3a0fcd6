# SPDX-License-Identifier: GPL-3.0-or-later
"""The copies of one message: what is personal in them, and how it gets there (R15).

A message is made ready and written once, with stand-ins where the tokens of its
recipient belong: one in List-Unsubscribe (RFC 2369, RFC 8058), another in the footer.
A copy is then the bytes between the stand-ins with the tokens put in their place.

Which messages carry List-Unsubscribe:

- posts and digests, each with the token of its recipient; without one, the ``-leave``
  address, for a recipient who is no member (any more), or for all where the list has
  no personal copies;
- notices to a member as such, with the token;
- no others: not what goes to administrators or to people who are no members, and no
  question that waits for its answer.
"""

from __future__ import annotations

import base64
import copy
import logging
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from email.message import Message
from email.utils import formataddr, getaddresses
from enum import Enum
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import quote

from mailman.archiving.mailarchive import MailArchive
from mailman.config import config
from mailman.handlers.decorate import decorate as text_of
from mailman.handlers.decorate import decorate_template
from mailman.interfaces.mailinglist import IListArchiverSet, Personalization
from mailman.interfaces.template import ITemplateLoader
from mailman.utilities.datetime import now
from zope.component import getUtility

from qnet_mailman.mail.body import raw_payload
from qnet_mailman.mail.text import raw_text
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import keys, return_addresses
from qnet_mailman.model.lists import is_personal
from qnet_mailman.mta import bodies, decoration
from qnet_mailman.mta.bodies import Place, Texts
from qnet_mailman.mta.fields import encode_fields
from qnet_mailman.mta.wire import on_the_wire, shorten_lines
from qnet_mailman.subscriptions import one_click
from qnet_mailman.subscriptions.one_click import Membership, Tokens
from qnet_mailman.values import BOUNCES, CONFIRM

log = logging.getLogger('mailman.archiver')

FIELDS = ('List-Unsubscribe', 'List-Unsubscribe-Post')
"""Ours alone: whatever a message came in with is taken off."""

_LINK = re.compile(r'\$\{?(?!unsubscribe_url\b)\w+_url\b', re.IGNORECASE)
"""What may be the link of an archive."""
_URL = re.compile(r'\$(?:\{unsubscribe_url\}|unsubscribe_url\b)')
MEMBER_VARIABLES = re.compile(
    r'\$\{?(?:member|user_email|user_delivered_to|user_language|user_name'
    r'|user_name_or_email|user_name_or_address|user_address)\b'
)


class Kind(Enum):
    """What a message is."""

    post = 'post'
    digest = 'digest'
    notice = 'notice'
    """Written by Mailman or by us."""
    other = 'other'
    """What somebody wrote to the owners."""


def kind_of(msgdata: dict[str, Any]) -> Kind:
    """What a message of the `out` queue is."""
    if msgdata.get('isdigest'):
        return Kind.digest
    if msgdata.get('to_owner'):
        return Kind.other
    if msgdata.get('_fasttrack') or msgdata.get('reduced_list_headers'):
        return Kind.notice
    return Kind.post


def unsubscribe_fields(leave_address: str, token: str | None) -> list[tuple[str, str]]:
    """The header fields by which mail programs offer to leave.

    :param leave_address: The list's ``-leave`` address.
    :param token: The recipient's, for a header; without one, leaving has to be
        confirmed.
    """
    mailto = f'<{_mailto(leave_address)}'
    if token is None:
        return [('List-Unsubscribe', f'{mailto}>')]
    mailto += f'?subject=unsubscribe%20{token}>'
    link = one_click.link(token)
    if link is None:
        return [('List-Unsubscribe', mailto)]
    return [
        ('List-Unsubscribe', f'<{link}>,\n\t{mailto}'),
        # RFC 8058 section 3.1.
        ('List-Unsubscribe-Post', 'List-Unsubscribe=One-Click'),
    ]


def _mailto(address: str) -> str:
    return f'mailto:{quote(address, safe="@+")}'


def unsubscribe_url(leave_address: str, token: str | None) -> str:
    """The link of the footer: the page with one button, or the ``-leave`` address.

    :param token: The recipient's, for a footer.
    """
    link = None if token is None else one_click.link(token)
    return link or _mailto(leave_address)


class Copy(NamedTuple):
    """A copy as it is sent.

    :ivar dotted: Whether a line of it begins with a dot (RFC 5321 section 4.5.2).
    """

    data: bytes
    dotted: bool


class Copies:
    """The copies of a message of the `out` queue.

    The list's row and the key are read once.

    :ivar kind: What it is.
    """

    def __init__(self, mlist: Mlist, msg: Message, msgdata: dict[str, Any]) -> None:
        self._mlist = mlist
        self._msg = msg
        self._msgdata = msgdata
        self.kind = kind_of(msgdata)
        self._written: dict[tuple[bool, bool], Callable[..., Copy]] = {}
        self._stand_ins = Tokens(stand_in(), stand_in())

    # ------------------------------------------------------------ who gets what

    def memberships(self, recipients: Iterable[str]) -> dict[str, Membership]:
        """Who of them gets it as a member, by address in lower case; one statement."""
        return one_click.memberships(self._mlist, recipients)

    def tokens(self, members: Mapping[str, Membership]) -> dict[str, Tokens]:
        """The tokens of recipients who are members, by address in lower case."""
        if not members or not self.have_tokens:
            return {}
        return one_click.tokens_for(self._mlist, members, self._key, self._today)

    @cached_property
    def have_tokens(self) -> bool:
        """Whether members find tokens of their own in it."""
        return self.are_personal or (self.kind is Kind.notice and self._is_to_a_member)

    @cached_property
    def have_own_senders(self) -> bool:
        """Whether envelope senders say whose copy it is (R35).

        Not where somebody else is to get what comes back, or nobody.
        """
        return self._msgdata.get('sender') is None

    def senders_for(self, some: Iterable[Membership | None]) -> list[str]:
        """The envelope senders of copies to members, or to others, in their order."""
        same = (self._list_row, self._key.id, self._today)
        claims = (
            return_addresses.Claim(
                *same,
                return_addresses.NOBODY if member is None else member.row,
                bytes(4)
                if member is None
                else return_addresses.membership_of(member.member_id, member.email),
                self._post,
            )
            for member in some
        )
        before, behind = self._around_token
        tokens = return_addresses.encode_all(claims, self._key.secret)
        return [f'{before}{token}{behind}' for token in tokens]

    def sender_for(self, member: Membership | None) -> str:
        """The envelope sender of a copy to a member, or to others."""
        return self.senders_for([member])[0]

    @cached_property
    def _key(self) -> keys.Key:
        return keys.signing()

    @cached_property
    def _today(self) -> date:
        return now().date()

    @cached_property
    def _post(self) -> bytes:
        return return_addresses.post_of(self._msg.get('message-id', ''))

    @cached_property
    def _list_row(self) -> int:
        return int(self._mlist.id)

    @cached_property
    def _around_token(self) -> tuple[str, str]:
        return return_addresses.around_token(BOUNCES, self._mlist.mail_host)

    @cached_property
    def are_personal(self) -> bool:
        """Whether each recipient has a copy of their own."""
        return self._are_for_members and is_personal(self._mlist)

    @property
    def _are_for_members(self) -> bool:
        return self.kind in (Kind.post, Kind.digest)

    @cached_property
    def _is_to_a_member(self) -> bool:
        """Whether a notice is to one person who is no administrator."""
        if 'envsender' in self._msgdata:
            # As only notices to owners have it.
            return False
        recipients = {one.lower() for one in self._msgdata['recipients']}
        named = {address.lower() for _name, address in self._mailboxes('To')}
        if len(recipients) != 1 or recipients != named:
            return False
        local = f'{self._mlist.list_name}-confirm'
        if any(
            address.lower().startswith((f'{local}+', f'{local}@', f'{CONFIRM}+'))
            for _name, address in self._mailboxes('From')
        ):
            return False
        return self._mlist.administrators.get_member(recipients.pop()) is None

    def _mailboxes(self, name: str) -> list[tuple[str, str]]:
        return getaddresses([raw_text(value) for value in self._msg.get_all(name, [])])

    @cached_property
    def must_be_made_one_by_one(self) -> bool:
        """Whether copies differ in more than their tokens."""
        if self._mlist.personalize is not Personalization.none or config.arc_enabled:
            return True
        return MEMBER_VARIABLES.search(''.join(self._templates)) is not None

    # ------------------------------------------------------------------ writing

    def copy(self, tokens: Tokens | None, *, duplicate: bool = False) -> Copy:
        """A copy as it is sent.

        :param tokens: The recipient's.
        :param duplicate: Whether the recipient gets it from elsewhere as well.
        """
        variant = (tokens is not None, duplicate)
        if variant not in self._written:
            self._written[variant] = self._write(*variant)
        return self._written[variant](*(tokens or ('', '')))

    def _write(self, personal: bool, duplicate: bool) -> Callable[..., Copy]:
        """Make the message ready, and write it once."""
        msg = copy.deepcopy(self._msg)
        del msg['bcc']
        del msg['x-mailman-copy']
        if duplicate:
            msg['X-Mailman-Copy'] = 'yes'
        places = self.dress(msg, self._stand_ins if personal else None)
        written = on_the_wire(msg)
        # No token has a dot or a line end, whatever it is encoded in.
        dotted = b'\r\n.' in written or written.startswith(b'.')
        data_for = filled(
            written,
            (self._stand_ins.header, [bytes]),
            (self._stand_ins.footer, [bytes, *places]),
        )
        return lambda *tokens: Copy(data_for(*tokens), dotted)

    def dress(
        self,
        msg: Message,
        tokens: Tokens | None,
        member: Any = None,
        recipient: str | None = None,
    ) -> list[Place]:
        """Put a message's header fields, header and footer in place.

        :param msg: A copy of the message.
        :param tokens: Tokens, or their stand-ins.
        :param member: Its recipient, where that matters.
        :param recipient: The address that it goes to.
        :return: Where the footer's is, beside the places where it stands by itself.
        """
        encode_fields(msg)
        shorten_lines(msg)
        for name in FIELDS:
            del msg[name]
        in_header, token = tokens or (None, None)
        if tokens is not None or self._are_for_members:
            for name, value in unsubscribe_fields(self._mlist.leave_address, in_header):
                msg[name] = value
        if self.kind is Kind.digest:
            return self._fill_digest(msg, token)
        return decoration.decorate(msg, self._texts(token, member, recipient))

    def _texts(
        self, token: str | None, member: Any = None, recipient: str | None = None
    ) -> Texts:
        """The header and footer of a post."""
        templates = self._templates
        if not any(templates):
            return Texts()
        substitutions = {
            **(self._archive_links if _LINK.search(''.join(templates)) else {}),
            **_about(member, recipient),
            'unsubscribe_url': unsubscribe_url(self._mlist.leave_address, token),
            **self._msgdata.get('decoration-data', {}),
        }
        header, footer = (
            each and decorate_template(self._mlist, each, substitutions)
            for each in templates
        )
        return Texts(header, footer, self._mlist.preferred_language.code, token)

    @cached_property
    def _templates(self) -> tuple[str, str]:
        """The header and footer of a post, with what is to be filled in."""
        if self.kind is not Kind.post or self._msgdata.get('nodecorate'):
            return '', ''
        recipients = self._msgdata['recipients']
        if len(recipients) == 1 and set(recipients) == {MailArchive().recipient}:
            # As in Mailman: that archive keeps it as it is.
            return '', ''
        loader = getUtility(ITemplateLoader)
        return (
            loader.get('list:member:regular:header', self._mlist),
            loader.get('list:member:regular:footer', self._mlist),
        )

    @cached_property
    def _archive_links(self) -> dict[str, str]:
        """``$<archive>_url``, as in Mailman's footers."""
        links = {}
        for archiver in IListArchiverSet(self._mlist).archivers:
            if not archiver.is_enabled:
                continue
            name = archiver.system_archiver.name
            try:
                link = archiver.system_archiver.permalink(self._mlist, self._msg)
            except Exception:
                log.exception('Exception in "%s" archiver', name)
                continue
            if link is not None:
                links[f'{name}_url'] = link
        return links

    # ------------------------------------------------------------------- digests

    def _fill_digest(self, msg: Message, token: str | None) -> list[Place]:
        """Put the link into what Mailman wrote around the posts of a digest.

        It fills in no link, as a digest is made once for all.  ``$unsubscribe_url`` in
        a post of the digest stays what its author wrote.
        """
        url = unsubscribe_url(self._mlist.leave_address, token)
        children = raw_payload(msg)
        places: list[Place] = []
        if isinstance(children, list):
            # Masthead and footer; the table of contents quotes subjects.
            for part in {id(one): one for one in children[:1] + children[-1:]}.values():
                places += _replace(part, token, lambda text: _URL.sub(url, text))
            return places
        counts = [
            len(_URL.findall(text_of(f'list:member:digest:{name}', self._mlist)))
            for name in ('masthead', 'footer')
        ]
        return _replace(msg, token, lambda text: _at_the_ends(text, url, *counts))


def _at_the_ends(text: str, url: str, first: int, last: int) -> str:
    """Fill in the link so many times at the beginning and at the end of a text."""
    found = list(_URL.finditer(text))
    chosen = found[:first] + found[max(first, len(found) - last) :]
    pieces, end = [], 0
    for match in chosen:
        pieces += [text[end : match.start()], url]
        end = match.end()
    return ''.join([*pieces, text[end:]])


def _replace(
    part: Message, token: str | None, edit: Callable[[str], str]
) -> list[Place]:
    """Edit a part that Mailman wrote; its charset can hold a link."""
    if part.get_content_type() != 'text/plain':
        return []
    charset = str(part.get_content_charset('us-ascii'))
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)
    try:
        edited = edit(data.decode(charset)).encode(charset)
    except (LookupError, ValueError):
        return []
    if edited == data:
        return []
    encoding = str(part.get('Content-Transfer-Encoding', '')).strip().lower()
    return bodies.write(part, edited, encoding, token)


def _about(member: Any, recipient: str | None) -> dict[str, str]:
    """What Mailman's footers say about their reader."""
    if member is None:
        return {}
    address = member.address or next(iter(member.user.addresses))
    recipient = recipient or address.original_email
    name = member.display_name
    return {
        'member': formataddr((address.display_name, address.email)),
        'user_email': recipient,
        'user_address': recipient,
        'user_delivered_to': address.original_email,
        'user_language': member.preferred_language.description,
        'user_name': name,
        'user_name_or_email': name or recipient,
        'user_name_or_address': name or recipient,
    }


def stand_in() -> str:
    """As long as a token, of the same characters, and nobody's."""
    data = secrets.token_bytes(one_click.LENGTH)
    return base64.b32encode(data).decode('ascii').lower()[: one_click.LENGTH]


def filled(data: bytes, *places: tuple[str, list[Place]]) -> Callable[..., bytes]:
    """A message that is written, with its places to be filled in.

    :param data: The message, with stand-ins at their places.
    :param places: Of each token, its stand-in, and what is at a place for any token.
    :return: What gives the copy of tokens, in the same order.
    """
    by_bytes = {
        place(stand_in.encode('ascii')): (number, place)
        for number, (stand_in, some) in enumerate(places)
        for place in some
    }
    pattern = re.compile(b'(' + b'|'.join(map(re.escape, by_bytes)) + b')')
    pieces = pattern.split(data)
    # Every second is a stand-in.
    own = [(index, *by_bytes[pieces[index]]) for index in range(1, len(pieces), 2)]

    def copy_for(*tokens: str) -> bytes:
        written = [token.encode('ascii') for token in tokens]
        for index, number, place in own:
            pieces[index] = place(written[number])
        return b''.join(pieces)

    return copy_for
