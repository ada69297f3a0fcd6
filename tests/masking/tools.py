# SPDX-License-Identifier: GPL-3.0-or-later
"""A list, a sender, and a search that shares no code with what it checks."""

from __future__ import annotations

import email
import email.errors
import email.header
import re
import unicodedata
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import replace
from email.message import Message
from pathlib import Path

from qnet_mailman.masking import ListIdentity, Sender, mask

IDENTITY = ListIdentity(
    display_name='HQR Updates',
    posting_address='hqr-updates@lists.example.org',
    owner_address='hqr-updates-owner@lists.example.org',
    reply_to=None,
    domain='lists.example.org',
)
DISCUSSION = replace(IDENTITY, reply_to=IDENTITY.posting_address)
PAT = Sender(
    frozenset({'pat@agency.example.gov', 'pexample@home.example.com'}),
    frozenset({'Pat Example'}),
)
NEW_ID = '<5f1e.new@lists.example.org>'
HOSTILE = Path(__file__).with_name('hostile.eml')

SECRETS = (
    'pat@agency.example.gov',
    'pat=agency.example.gov',
    'pexample@home.example.com',
    'pat example',
    'example, pat',
    'pat_example',
    'pat.example',
    'patexample',
    'pats-laptop',
    'pats-desktop.home.example.com',
    'relay7.agency.example.gov',
    '192.0.2.17',
    '2001:db8:17::5',
)
HOSTS = SECRETS[-5:]


def parsed(*lines: str | bytes, body: bytes = b'Hello\n') -> Message:
    """A message from its header lines."""
    header = [ln.encode() if isinstance(ln, str) else ln for ln in lines]
    return email.message_from_bytes(b'\n'.join([*header, b'', body]))


def masked(
    message: Message | bytes,
    identity: ListIdentity = IDENTITY,
    sender: Sender = PAT,
    thread: Mapping[str, str] | None = None,
) -> Message:
    """The message as a subscriber's mail program reads it."""
    if isinstance(message, bytes):
        message = email.message_from_bytes(message)
    result = mask(message, identity, sender, message_id=NEW_ID, thread=thread or {})
    assert result is message
    return email.message_from_bytes(result.as_bytes())


def part(*lines: str, body: bytes = b'') -> Message:
    """The masked form of a part that stands second in multipart/mixed."""
    data = (
        b'From: Pat Example <pat@agency.example.gov>\n'
        b'Content-Type: multipart/mixed; boundary=b\n\n'
        b'--b\n\nfirst\n--b\n'
        + '\n'.join(lines).encode()
        + b'\n\n'
        + body
        + b'\n--b--\n'
    )
    parts = masked(data).get_payload()
    return parts[1] if len(parts) > 1 else None


def leaves(message: Message) -> list[tuple[str, bytes]]:
    """The type and the decoded content of each leaf."""
    return [
        (p.get_content_type(), p.get_payload(decode=True))
        for p in message.walk()
        if not p.is_multipart()
    ]


def _decoded(text: str) -> str:
    try:
        return str(email.header.make_header(email.header.decode_header(text)))
    except (email.errors.HeaderParseError, LookupError, ValueError):
        return text


def readings(message: Message) -> Iterator[tuple[str, str]]:
    """Every header field of every part in the ways that programs read it."""
    for node in message.walk():
        yield 'preamble', node.preamble or ''
        yield 'epilogue', node.epilogue or ''
        for name, value in node.raw_items():
            raw = str(value).encode('utf-8', 'surrogateescape').decode('latin-1')
            unfolded = re.sub(r'\r?\n([ \t])', r'\1', raw)
            yield name, name
            for text in (unfolded, _decoded(unfolded)):
                yield name, text
                yield name, urllib.parse.unquote(text)
                yield name, text.replace('\\', '')
                yield name, re.sub(r'\s+', ' ', text)
        for text in (node.get_filename(''), node.get_boundary('')):
            yield 'filename', _decoded(str(text))
        for header in ('content-type', 'content-disposition'):
            for name, value in node.get_params([], header):
                yield header, f'{name} {email.utils.collapse_rfc2231_value(value)}'


def traces(message: Message, secrets: tuple[str, ...] = SECRETS) -> list[str]:
    """What still names the sender in the header of any part."""
    return [
        f'{name}: {text!r} has {secret}'
        for name, text in readings(message)
        for secret in secrets
        if _has(unicodedata.normalize('NFKC', text).casefold(), secret, name.lower())
    ]


def _has(text: str, secret: str, name: str) -> bool:
    if name != 'subject' or '@' in secret:
        return secret in text
    # A subject is written by a person: whole names are taken out of it, hosts not.
    if secret in HOSTS:
        return False
    return re.search(rf'(?<![^\W_]){re.escape(secret)}(?![^\W_])', text) is not None


def calendar_traces(
    data: bytes, charset: str = 'utf-8', secrets: tuple[str, ...] = SECRETS
) -> list[str]:
    """What still names the sender in a calendar, apart from written text."""
    try:
        text = data.decode(charset, 'replace')
    except LookupError:
        text = data.decode('latin-1')
    lines = re.sub(r'\r?\n[ \t]', '', text).splitlines()
    written = ('summary', 'description', 'location', 'comment', 'x-alt-desc')
    found = []
    for line in lines:
        head, _, value = line.casefold().partition(':')
        shown = head if head.split(';')[0] in written else f'{head}:{value}'
        shown += ' ' + urllib.parse.unquote(shown)
        found += [f'{line!r} has {s}' for s in secrets if s in shown]
    return found
