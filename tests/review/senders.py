# SPDX-License-Identifier: GPL-3.0-or-later
"""Mails with forms, and the mail server that hands them in."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from types import SimpleNamespace
from typing import Any

import yaml

from qnet_mailman.runners.lmtp import Handler
from tests.helpers import queued, run
from tests.provisioning.samples import data

ADDRESS = 'requests@lists.example.gov'
SENDER = 'rae@agency.example.gov'


def form(name: str = 'hqr-updates', ticket: str = 'REQ0001234') -> bytes:
    """A good form in YAML."""
    wanted = data()
    wanted['list']['name'] = name
    wanted['ticket'] = ticket
    return yaml.safe_dump(wanted).encode()


def mail(
    *files: tuple[str, bytes],
    sender: str = SENDER,
    message_id: str = '<form1@agency.example.gov>',
    **fields: str,
) -> EmailMessage:
    """A mail with files attached."""
    message = EmailMessage()
    message['From'] = f'Rae Requester <{sender}>'
    message['To'] = ADDRESS
    message['Subject'] = 'A new list'
    message['Message-ID'] = message_id
    for name, value in fields.items():
        message[name.replace('_', '-')] = value
    message.set_content('Please set up this list.\n')
    for name, content in files:
        message.add_attachment(
            content, maintype='application', subtype='octet-stream', filename=name
        )
    return message


def deliver(
    message: EmailMessage | bytes, to: list[str] | None = None, sender: str = SENDER
) -> list[str]:
    """Hand a mail to the LMTP server; its replies, at RCPT or else for the data."""
    content = message if isinstance(message, bytes) else message.as_bytes()
    handler: Any = Handler()
    envelope = SimpleNamespace(
        mail_from=sender, rcpt_tos=[], rcpt_options=[], content=content
    )
    refused = []
    for each in to or [ADDRESS]:
        reply = asyncio.run(handler.handle_RCPT(None, None, envelope, each, []))
        if not reply.startswith('250'):
            refused.append(reply)
    if not envelope.rcpt_tos:
        return refused
    reply = asyncio.run(handler.handle_DATA(None, None, envelope))
    return refused + str(reply).split('\r\n')


def take_in(message: EmailMessage | bytes, sender: str = SENDER) -> None:
    """Deliver a mail, and let the runner work."""
    assert deliver(message, sender=sender) == ['250 Ok']
    run('forms')


def answers() -> list[Any]:
    """What was written to people: about lists, and then by the site, oldest first."""
    return [msg for msg, _data in queued('virgin') + queued('out')]
