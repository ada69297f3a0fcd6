# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail that strangers make us write to somebody else (RFC 3834 section 2).

Whoever writes to us in another's name, or types their address into a page, makes us
write to that person: a question, a notice, the answer to a command.  Such mail has
nothing in it that the stranger wrote, and one person gets only so many of all kinds
together in a day, over the whole site.  At the limit nothing is sent, and what was sent
before stays valid.

A message that is shown to come from its author (R6) is their own doing: its answer is
not counted, and quotes it.
"""

from __future__ import annotations

import email.message
import logging
from collections.abc import Iterable
from typing import Any

from mailman.utilities.datetime import now

from qnet_mailman import site
from qnet_mailman.clock import in_words
from qnet_mailman.mail.author import author_of
from qnet_mailman.model import limits
from qnet_mailman.posting.authentication import Servers, shown_by

_KEY = 'unproven mail'
_IGNORE_DOTS = frozenset({'gmail.com', 'googlemail.com'})
"""Domains whose mailboxes have every address that differs in dots alone."""

log = logging.getLogger('mailman.vette')


def is_proven(msg: email.message.Message | None, address: str) -> bool:
    """Whether a message is shown to be written by the owner of an address (R6).

    :param msg: None where there is none: what a page was told proves nothing.
    """
    if msg is None or author_of(msg).address != address.lower():
        return False
    return shown_by(msg, address, Servers.of(site.settings())) is not None


def mail_allowed(address: str, msg: Any = None, *, proven: bool = False) -> bool:
    """Count a mail that somebody causes; whether it may be sent.

    Part of the caller's transaction, as `limits.allowed`.

    :param address: To whom it goes.
    :param msg: By what it is caused, if it is at hand.
    :param proven: Whether it was found before to be the doing of its owner.
    """
    if proven or is_proven(msg, address):
        return True
    limit = site.settings().unproven_mails_per_day
    if limits.allowed(_KEY, mailbox_of(address), limit, limits.DAY):
        return True
    log.info('No further mail today that others may have caused, to %s', address)
    return False


def mails_allowed(addresses: Iterable[str]) -> set[str]:
    """Count one mail to each of many addresses; to which it may be sent.

    As `mail_allowed`, for what nothing shows to be their doing.  Of the addresses of
    one mailbox, one.
    """
    by_mailbox = {mailbox_of(address): address for address in addresses}
    limit = site.settings().unproven_mails_per_day
    allowed = limits.allowed_among(_KEY, by_mailbox, limit, limits.DAY)
    return {by_mailbox[mailbox] for mailbox in allowed}


def mailbox_of(address: str) -> str:
    """One name for the addresses of a mailbox, as far as they can be told.

    Case does not count, nor does what follows a ``+`` (RFC 5233), with which one
    mailbox has any number of addresses.
    """
    local, _, domain = address.strip().lower().rpartition('@')
    local = local.partition('+')[0] or local
    if domain in _IGNORE_DOTS:
        local = local.replace('.', '')
    return f'{local}@{domain}'


def which(msg: email.message.Message, address: str, subject: str) -> str:
    """Which message of somebody's a notice is about, within a sentence.

    :param subject: The subject of the message, quoted where it is proven to be theirs.
    """
    if is_proven(msg, address):
        return f'with the subject\n\n  {subject}\n\n'
    return f'that came on\n\n  {in_words(now())}\n\n'
