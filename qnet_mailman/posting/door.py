# SPDX-License-Identifier: GPL-3.0-or-later
"""The door: whether our first mail server drops forged Authentication-Results (R37).

A trusted server's field counts (:mod:`.authentication`) only if nobody outside can
write one, and some checkers take forged ones for their own and pass on what they say.
So the server that takes mail from outside must drop fields in our servers' names before
any checker runs.  It is sent a message with such fields, in all ways in which they can
be written, for an address of ours (R35) that is known to nobody else; our LMTP server
notes which of them came through, and throws the message away.
"""

from __future__ import annotations

import hashlib
import json
import smtplib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from email.message import Message
from typing import Any

from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.pending import IPendable
from mailman.model.pending import Pended, PendedKeyValue
from sqlalchemy import select
from zope.component import getUtility
from zope.interface import implementer

from qnet_mailman.model import return_addresses, tokens
from qnet_mailman.model.base import store
from qnet_mailman.posting.authentication import FIELD, Servers, shown_by
from qnet_mailman.settings import Settings
from qnet_mailman.values import CONFIRM

PEND_TYPE = 'qnet door'
LIFETIME = timedelta(hours=1)
SMTP_TIMEOUT = 30
"""Seconds for each answer of the mail server."""
BELIEVED = 'a checker passed on what they said'

_CAME = 'came'
_NO_LIST = 0
"""In the place of a list's row, in the address."""
_SAME = 30

FORGED = {
    'spf=pass': 'Authentication-Results: {server}; spf=pass smtp.mailfrom={who}',
    'dkim=pass': 'Authentication-Results: {server}; dkim=pass header.d={who}',
    'dmarc=pass': 'Authentication-Results: {server}; dmarc=pass header.from={who}',
    'comments': 'Authentication-Results: ((a) b) {server} (c); spf=pass (d (e)) '
    'smtp.mailfrom={who}',
    'a tab after the colon': 'Authentication-Results:\t{server}; spf=pass '
    'smtp.mailfrom={who}',
    'no blank after the colon': 'Authentication-Results:{server}; spf=pass '
    'smtp.mailfrom={who}',
    'folded lines': 'Authentication-Results:\r\n {server};\r\n\tdkim=pass\r\n '
    'header.d={who}',
    'another case': 'AUTHENTICATION-results: {upper}; SPF=Pass smtp.MailFrom={who}',
    'quotation marks': 'Authentication-Results: "{server}"; dkim=pass header.d={who}',
    f'{_SAME} equal ones': '\r\n'.join(
        ['Authentication-Results: {server}; spf=pass smtp.mailfrom={who}'] * _SAME
    ),
}
"""Ways to write a field; `who` is the domain of the author, with a mark behind it."""


@implementer(IPendable)
class _Probe(dict[str, Any]):
    PEND_TYPE = PEND_TYPE


@dataclass(frozen=True)
class Probe:
    """A message that is on its way.

    :ivar token: Of Mailman's pending for it; whoever has it can be heard.
    :ivar domain: A domain of lists.
    """

    token: str
    domain: str

    @property
    def address(self) -> str:
        """Where it goes."""
        before, behind = return_addresses.around_token(CONFIRM, self.domain)
        return f'{before}{_NO_LIST:08x}{self.token}{behind}'


def begin(settings: Settings) -> Probe | None:
    """Make an address for a message; commit before it is sent.

    :return: None where there are no lists: no mail comes to Mailman then.
    """
    domains = {host for _name, host in getUtility(IListManager).name_components}
    if not domains:
        return None
    domain = settings.domain if settings.domain in domains else min(domains)
    return Probe(tokens.pend(_Probe(), LIFETIME), domain)


def end(probe: Probe) -> None:
    """Let the address be none."""
    tokens.spend(probe.token)


def send(probe: Probe, settings: Settings) -> None:
    """Send the message through the server that takes mail from outside.

    :raises OSError: where that cannot be reached or refuses it.
    """
    host, _, port = str(settings.outside_mail_server).partition(':')
    with smtplib.SMTP(host, int(port), timeout=SMTP_TIMEOUT) as client:
        # Without a sender: nothing about it comes back, and no SPF pass is genuine.
        client.sendmail(
            '', [probe.address], _text(probe, settings.trusted_authserv_ids)
        )


def _text(probe: Probe, trusted: tuple[str, ...]) -> bytes:
    fields = [
        form.format(
            server=server,
            upper=server.upper(),
            who=f'{probe.domain} policy.{mark}=1',
        )
        for server in trusted
        for form, mark in zip(FORGED.values(), _marks(probe.token), strict=True)
    ]
    fields += [
        f'From: {_author(probe.domain)}',
        f'To: {probe.address}',
        'Subject: Are forged Authentication-Results dropped?',
        f'Message-ID: <{_mark(probe.token)}@{probe.domain}>',
        'Auto-Submitted: auto-generated',
        '',
        'mailman qnet check sent this message. Nobody reads it.',
        '',
    ]
    return '\r\n'.join(fields).encode()


def _author(domain: str) -> str:
    return f'noreply@{domain}'


def _mark(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:16]


def _marks(token: str) -> Iterator[str]:
    return (f'{_mark(token)}-{number}' for number in range(len(FORGED)))


# ------------------------------------------------------------------ its coming


def token_of(recipient: str) -> str | None:
    """The token of a message that is awaited at an address; None if none is."""
    returned = return_addresses.returned(recipient)
    if returned is None or (returned.name, returned.list_row) != (CONFIRM, _NO_LIST):
        return None
    pended = tokens.look_up(returned.pending)
    is_ours = pended is not None and pended['type'] == PEND_TYPE
    return returned.pending if is_ours else None


def note(token: str, msg: Message, settings: Settings) -> None:
    """Note what came through."""
    fields = [
        str(value).lower() for name, value in msg.items() if name.lower() == FIELD
    ]
    came = [
        name
        for name, mark in zip(FORGED, _marks(token), strict=True)
        if any(f'policy.{mark}=' in field for field in fields)
    ]
    author = str(msg.get('from', ''))
    # The message proves nothing: who says that it does has believed it.
    if not came and shown_by(msg, author, Servers.of(settings)) is not None:
        came = [BELIEVED]
    pended = store().scalars(select(Pended).where(Pended.token == token)).one()
    pended.key_values.append(PendedKeyValue(_CAME, json.dumps(came)))


def what_came(probe: Probe) -> list[str] | None:
    """The names of the forged fields that came through; None before the message has."""
    pended = tokens.look_up(probe.token)
    return None if pended is None else pended.get(_CAME)
