# SPDX-License-Identifier: GPL-3.0-or-later
"""What the header of a mail with forms says, without reading its body.

The LMTP server asks while the mail server waits, so only so much of a header is
looked at as honest mail has.
"""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass
from email.message import Message

from mailman.app.replybot import can_acknowledge

from qnet_mailman.mail.author import author_of
from qnet_mailman.mail.automatic import automatic_answer
from qnet_mailman.mail.legible import make_legible
from qnet_mailman.model.finding import address_of
from qnet_mailman.posting.authentication import Servers, shown_by
from qnet_mailman.templates.sending import one_line

MAX_HEADER = 128 * 1024
"""Bytes of a header; what is longer has no sender."""


@dataclass(frozen=True)
class Heading:
    """What a header says.

    :ivar sender: The address of its one author, in lower case; empty if there is none.
    :ivar shown_by: What shows that it comes from them, such as ``dkim=pass
        (example.gov)`` (R6); empty if nothing does.
    :ivar mark: By what it is automatic (R5); None if it is not.
    :ivar may_answer: Whether its sender may be answered.
    """

    sender: str = ''
    message_id: str = ''
    shown_by: str = ''
    mark: str | None = None
    may_answer: bool = False


def heading_of(mail: bytes, envelope_sender: str, servers: Servers) -> Heading:
    """Read the header of a mail."""
    header = _header(mail)
    msg = _parsed(header[:MAX_HEADER])
    msg.set_unixfrom(envelope_sender)
    message_id = one_line(str(msg.get('message-id', '')))[:255]
    mark = automatic_answer(msg, has_content=True)
    if len(header) > MAX_HEADER:
        return Heading(message_id=message_id, mark=mark)
    sender = (address_of(author_of(msg).address or '') or '').lower()
    shown = shown_by(msg, sender, servers) if sender else None
    make_legible(msg)
    return Heading(sender, message_id, shown or '', mark, can_acknowledge(msg))


def is_note(mail: bytes) -> bool:
    """Whether a mail without a form is a program's answer, by its first lines, too."""
    return automatic_answer(_parsed(mail[:MAX_HEADER])) is not None


def _header(mail: bytes) -> bytes:
    ends = [
        end for mark in (b'\n\n', b'\r\n\r\n', b'\r\r') if (end := mail.find(mark)) >= 0
    ]
    return mail[: min(ends)] + b'\n\n' if ends else mail


def _parsed(header: bytes) -> Message:
    try:
        return email.message_from_bytes(header, policy=email.policy.compat32)
    except Exception:
        # Python's parser has raised many things.  The readers say what is wrong.
        return Message()
