# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of a message put in the place of others (RFC 2046 section 5.1)."""

from __future__ import annotations

from email.message import Message

from qnet_mailman.mail.body import raw_payload
from qnet_mailman.mail.fields import remove_fields


def become(whole: Message, part: Message) -> None:
    """Let a message or part have the content of one of its parts, as it is encoded."""
    payload = raw_payload(part)
    fields = [
        each for each in part.raw_items() if each[0].lower().startswith('content-')
    ]
    remove_fields(whole, lambda name: name.startswith('content-'))
    for name, value in fields:
        whole.set_raw(name, value)
    if 'Content-Type' not in whole:
        # Where there was another before, some would guess.
        whole.set_raw('Content-Type', part.get_default_type())
    whole.preamble, whole.epilogue = part.preamble, part.epilogue
    whole.set_payload(payload)  # type: ignore[arg-type]


def keep_alone(whole: Message, part: Message) -> None:
    """Leave one of the parts of a message; a file stays a part of it."""
    if _is_text_or_more(part):
        become(whole, part)
    else:
        whole.set_payload([part])


def recast(message: Message) -> None:
    """Let a text that is the only part of something stand in its place.

    Not of a forwarded message, nor within a signature (RFC 1847).
    """
    if message.get_content_type() == 'multipart/signed':
        return
    children = raw_payload(message)
    while (
        isinstance(children, list)
        and len(children) == 1
        and message.get_content_type() != 'message/rfc822'
        and _is_text_or_more(children[0])
    ):
        become(message, children[0])
        children = raw_payload(message)
    if isinstance(children, list):
        for child in children:
            recast(child)


def _is_text_or_more(part: Message) -> bool:
    return part.get_content_maintype() in ('text', 'multipart', 'message')


def collapse_alternatives(message: Message) -> None:
    """Leave the first of several alternatives, and invitations beside it.

    Of the message's own alternatives, what is left becomes its first part.
    """
    children = raw_payload(message)
    if not isinstance(children, list):
        return
    for child in children:
        collapse_alternatives(child)
    if message.get_content_type() == 'multipart/alternative':
        message.set_payload([_kept(children)])
        return
    for child in children:
        inner = raw_payload(child)
        if child.get_content_type() == 'multipart/alternative' and (
            isinstance(inner, list) and inner
        ):
            become(child, inner[0])


def _kept(alternatives: list[Message]) -> Message:
    """What is left of some alternatives, as one part."""
    calendars = [
        each for each in alternatives[1:] if each.get_content_type() == 'text/calendar'
    ]
    if not calendars:
        return alternatives[0] if alternatives else Message()
    both = type(alternatives[0])()
    both['Content-Type'] = 'multipart/alternative'
    both.set_payload([alternatives[0], *calendars])
    return both
