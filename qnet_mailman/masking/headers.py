# SPDX-License-Identifier: GPL-3.0-or-later
"""The header fields of a masked message and of those it forwards (R8, R9).

Every value is built from what was understood of the old one; nothing is copied.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.message import Message

from qnet_mailman.mail.addresses import Mailbox, format_mailbox, mailboxes
from qnet_mailman.mail.dates import readable_date
from qnet_mailman.mail.text import decode_words, encode_words, raw_text, words_are_valid
from qnet_mailman.masking import keep
from qnet_mailman.masking.identity import ListIdentity
from qnet_mailman.masking.secrets import Secrets

Fields = list[tuple[str, str]]
_IDENTIFIER = re.compile(r'<[^<>\s]{1,900}>')
_WORD = re.compile(r'[A-Za-z0-9-]+')
_PRINTABLE = re.compile(r'[ -~]*')


class Header:
    """The fields of a message by name, as unfolded text."""

    def __init__(self, message: Message) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in message.raw_items():
            self._values.setdefault(name.lower(), []).append(value)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._values

    def all(self, name: str) -> list[str]:
        """The values of every field with a name."""
        return [raw_text(value) for value in self._values.get(name.lower(), ())]

    def first(self, name: str) -> str:
        """The value of the first field with a name, or ''."""
        values = self._values.get(name.lower())
        return raw_text(values[0]) if values else ''


def identifiers(values: list[str]) -> list[str]:
    """The message identifiers in fields (RFC 5322 section 3.6.4), each once.

    :return: With their angle brackets.
    """
    found = (i for value in values for i in _IDENTIFIER.findall(value))
    return list(dict.fromkeys(i for i in found if i.isascii()))


def referenced_ids(message: Message) -> list[str]:
    """The identifiers that a message's In-Reply-To and References name.

    :param message: The message as it came.
    :return: Each once, with its angle brackets.
    """
    header = Header(message)
    return identifiers(header.all('In-Reply-To') + header.all('References'))


def list_mailbox(identity: ListIdentity) -> str:
    """The From of a masked message."""
    return format_mailbox(identity.display_name, identity.posting_address)


def subject(value: str, secrets: Secrets, identity: ListIdentity) -> str:
    """A subject without the sender's addresses and names.

    :param value: The unfolded value.
    :return: The same value where it is clean, else its text in RFC 2047 words.
    """
    if (
        _PRINTABLE.fullmatch(value)
        and words_are_valid(value)
        and not secrets.in_subject(value)
    ):
        return value
    return encode_words(secrets.redact(decode_words(value), identity))


def free_text(value: str, secrets: Secrets) -> str | None:
    """A field of free text, or None where it holds a secret."""
    if not value or secrets.found_in(value):
        return None
    return encode_words(decode_words(value))


def recipients(values: list[str], secrets: Secrets) -> list[Mailbox]:
    """The usable mailboxes of address fields that say nothing of the sender."""
    found: dict[str, Mailbox] = {}
    for value in values:
        for mailbox in mailboxes(value):
            if mailbox.address and not secrets.found_in(
                f'{mailbox.name} <{mailbox.address}>'
            ):
                found.setdefault(mailbox.address.lower(), mailbox)
    return list(found.values())


def written(found: list[Mailbox]) -> str:
    """An address field of mailboxes."""
    return ', '.join(str(mailbox) for mailbox in found)


def masked(
    message: Message,
    identity: ListIdentity,
    secrets: Secrets,
    message_id: str,
    thread: Mapping[str, str],
) -> Fields:
    """The fields of a masked message, those of its body apart (R8).

    :param message: The message as it came.
    :param message_id: The new Message-ID, with its angle brackets.
    :param thread: What to put in the place of other messages' identifiers; the
        caller answers for it, as subscribers know these identifiers already.
    """
    header = Header(message)
    fields: Fields = [('From', list_mailbox(identity))]
    to = recipients(header.all('To'), secrets)
    fields.append(('To', written(to) or identity.posting_address))
    if cc := written(recipients(header.all('Cc'), secrets)):
        fields.append(('Cc', cc))
    if identity.reply_to is not None:
        fields.append(('Reply-To', identity.reply_to))
    if 'Subject' in header:
        text = subject(header.first('Subject'), secrets, identity)
        fields.append(('Subject', text))
    if when := readable_date(header.all('Date')):
        fields.append(('Date', when))
    fields.append(('Message-ID', message_id))
    for name in ('In-Reply-To', 'References'):
        new = [thread[i] for i in identifiers(header.all(name)) if i in thread]
        if ids := identifiers(new):
            fields.append((name, ids[0] if name == 'In-Reply-To' else ' '.join(ids)))
    if keywords := free_text(', '.join(header.all('Keywords')), secrets):
        fields.append(('Keywords', keywords))
    if 'X-No-Archive' in header:
        # Whatever its value is, as Mailman has it.
        fields.append(('X-No-Archive', 'yes'))
    for name, allowed in keep.WORDS.items():
        if word := _first_word(header.all(name), allowed):
            fields.append((name, word))
    fields.append(('MIME-Version', '1.0'))
    return fields


def _first_word(values: list[str], allowed: tuple[str, ...]) -> str | None:
    spelling = {word.lower(): word for word in allowed}
    for value in values:
        match = _WORD.match(value)
        if match and match[0].lower() in spelling:
            return spelling[match[0].lower()]
    return None


def forwarded(message: Message, identity: ListIdentity, secrets: Secrets) -> Fields:
    """The fields of a forwarded message, those of its body apart (R9).

    The forwarded message keeps its own author, but not the masked sender.
    """
    header = Header(message)
    fields: Fields = []
    if 'From' in header:
        fields.append(('From', _author(header.all('From'), identity, secrets)))
    for name in keep.FORWARDED_ADDRESSES:
        if value := written(recipients(header.all(name), secrets)):
            fields.append((name, value))
    if 'Subject' in header:
        text = subject(header.first('Subject'), secrets, identity)
        fields.append(('Subject', text))
    if when := readable_date(header.all('Date')):
        fields.append(('Date', when))
    for name in keep.FORWARDED_IDENTIFIERS:
        ids = [i for i in identifiers(header.all(name)) if not secrets.found_in(i)]
        if ids:
            fields.append((name, ids[0] if name == 'Message-ID' else ' '.join(ids)))
    if 'MIME-Version' in header:
        fields.append(('MIME-Version', '1.0'))
    return fields


def _author(values: list[str], identity: ListIdentity, secrets: Secrets) -> str:
    if found := recipients(values, secrets):
        return written(found)
    text = ' '.join(values)
    if '@' in text or secrets.found_in(text) or not _PRINTABLE.fullmatch(text):
        return list_mailbox(identity)
    return text
