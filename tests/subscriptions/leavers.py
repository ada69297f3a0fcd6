# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of leaving share: mail to a list's addresses, as LMTP puts it."""

from __future__ import annotations

import itertools
from typing import Any

from mailman.config import config

from tests.helpers import message, post, run

READER = 'reader@example.net'
_numbers = itertools.count(1)


def raw(
    to: str,
    subject: str,
    sender: str = READER,
    fields: str = '',
    body: str = 'Good bye.',
) -> str:
    """A message as a person's mail program writes it."""
    return (
        f'From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\n{fields}'
        f'Message-ID: <{next(_numbers)}@example.net>\r\n\r\n{body}\r\n'
    )


def to_list(
    mlist: Any, subject: str = 'Unsubscribe', sender: str = READER, fields: str = ''
) -> None:
    """Write to the posting address."""
    post(mlist, message(raw(mlist.fqdn_listname, subject, sender, fields), sender))
    run('in')


def to_command(mlist: Any, subaddress: str, text: str | bytes) -> None:
    """Write to an address for commands."""
    config.switchboards['command'].enqueue(
        message(text), listid=mlist.list_id, subaddress=subaddress
    )
    config.db.commit()
    run('command')


def answer(
    mlist: Any,
    question: Any,
    *,
    subject: str | None = None,
    sender: str = READER,
    fields: str = '',
    body: str = 'Good bye.',
) -> None:
    """Answer a message, as a mail program does."""
    subject = f'Re: {question["subject"]}' if subject is None else subject
    to_command(mlist, 'confirm', raw(question['from'], subject, sender, fields, body))
