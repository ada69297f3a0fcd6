# SPDX-License-Identifier: GPL-3.0-or-later
"""Masking a whole message: build it anew, look it over, put it in place (R7-R10).

The message is built from what :mod:`.keep` allows; nothing of the old one is left
by being overlooked.  A last look through the result (:func:`_sweep`) then takes away
whatever still names the sender.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from email import message_from_bytes
from email.message import Message
from email.policy import compat32

from qnet_mailman.mail import parameters
from qnet_mailman.mail.body import raw_payload
from qnet_mailman.mail.fields import set_fields
from qnet_mailman.mail.text import raw_text
from qnet_mailman.masking import headers
from qnet_mailman.masking.identity import CannotMask, ListIdentity, Sender
from qnet_mailman.masking.parts import Parts
from qnet_mailman.masking.secrets import Secrets, collect

# Fields whose value before the parameters is one of the format's own words, or was
# looked at already; a sender may be called "Text" or "Base".
_STRUCTURAL = frozenset({'content-type', 'content-disposition'})
# Fields that hold nothing of the sender's text: in any part, and of the whole message.
_MADE = frozenset({'date', 'mime-version', 'content-transfer-encoding'})
_OWN = frozenset({'from', 'reply-to', 'message-id', 'in-reply-to', 'references'})


def mask(
    message: Message,
    identity: ListIdentity,
    sender: Sender,
    *,
    message_id: str,
    thread: Mapping[str, str],
    key: bytes = b'',
) -> Message:
    """Put a list in the place of a message's sender.

    :param message: The message as it came; it is changed in place.
    :param identity: What subscribers see in place of the sender.
    :param sender: What the caller knows of the person; what the message itself
        says is added to it.
    :param message_id: The new Message-ID, not to be foreseen by the sender.
    :param thread: For the identifiers of :func:`~.headers.referenced_ids`, what to
        write instead; an identifier that is not in it is dropped.  The caller sees to
        it that what is written does not tell of the sender.
    :param key: Makes the new UIDs of invitations unguessable; the same for every
        message of a list.
    :return: The same message.
    :raises CannotMask: Where a part cannot be made safe; the message is unchanged.
    """
    try:
        masked = build(message, identity, sender, message_id, thread, key)
    except CannotMask:
        raise
    except Exception as error:
        # A message that is not understood must not pass unmasked (R8, R32).
        raise CannotMask('its structure cannot be understood') from error
    _move(masked, message)
    return message


def build(
    message: Message,
    identity: ListIdentity,
    sender: Sender,
    message_id: str,
    thread: Mapping[str, str],
    key: bytes = b'',
) -> Message:
    """The masked message as a new object; see :func:`mask`."""
    message_id = f'<{message_id.strip().strip("<>")}>'
    secrets = collect(message, identity, sender)
    body = Parts(identity, secrets, type(message), message_id, key).mask(message)
    masked = type(message)()
    fields = headers.masked(message, identity, secrets, message_id, thread)
    for name, value in (*fields, *body.raw_items()):
        masked.set_raw(name, value)
    masked.set_payload(raw_payload(body))  # type: ignore[arg-type]
    _sweep(masked, secrets, identity)
    _prove(masked, secrets, identity)
    return masked


def _nodes(message: Message) -> Iterator[tuple[Message, int]]:
    """Every part with its depth, without recursion."""
    waiting = [(message, 0)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        payload = raw_payload(node)
        if isinstance(payload, list):
            waiting += [(p, depth + 1) for p in payload if isinstance(p, Message)]


def _leaks(
    node: Message, depth: int, secrets: Secrets, identity: ListIdentity
) -> set[str]:
    """The names of a part's fields that hold a secret."""
    found: set[str] = set()
    for name, value in node.raw_items():
        field = name.lower()
        text = raw_text(value)
        if field in _MADE or (depth == 0 and field in _OWN):
            continue
        if field == 'from' and text == headers.list_mailbox(identity):
            continue
        if field in _STRUCTURAL:
            text = text.partition(';')[2]
        if field == 'subject':
            leaks = secrets.in_subject(text)
        else:
            weak = field not in _STRUCTURAL
            leaks = secrets.found_in(text, weak=weak)
            if field in _STRUCTURAL:
                # RFC 2231 may cut a value in pieces.
                values = parameters.parse(raw_text(value))[1].values()
                leaks = leaks or any(secrets.found_in(v, weak=False) for v in values)
        if leaks:
            found.add(name)
    return found


def _sweep(masked: Message, secrets: Secrets, identity: ListIdentity) -> None:
    """Take away every field that still holds a secret: the last resort."""
    for node, depth in _nodes(masked):
        for name in _leaks(node, depth, secrets, identity):
            kind, params = parameters.parse(raw_text(node[name]))
            del node[name]
            if name == 'Content-Type':
                kept = {k: v for k, v in params.items() if k == 'boundary'}
                node.set_raw(name, parameters.write(kind, kept))


def _prove(masked: Message, secrets: Secrets, identity: ListIdentity) -> None:
    """Look at the message as its readers get it.

    :raises CannotMask: Where it reads differently from what was built.
    """
    read = message_from_bytes(masked.as_bytes(), policy=compat32)
    if _shape(read) != _shape(masked):
        raise CannotMask('its structure cannot be understood')
    for node, depth in _nodes(read):
        if _leaks(node, depth, secrets, identity):
            raise CannotMask('the sender cannot be taken out of it')


def _shape(message: Message) -> list[tuple[int, str, list[str]]]:
    return [
        (depth, node.get_content_type(), node.keys()) for node, depth in _nodes(message)
    ]


def _move(masked: Message, message: Message) -> None:
    """Make an existing message object the masked one."""
    message.set_unixfrom(None)  # type: ignore[arg-type]
    set_fields(message, [])
    message.set_charset(None)
    set_fields(message, masked.raw_items())
    message.set_payload(raw_payload(masked))  # type: ignore[arg-type]
    message.preamble = message.epilogue = None
    message.defects = []
    message.set_default_type('text/plain')
