# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is hidden (the sender), behind whom (the list), and why it may fail (R8)."""

from __future__ import annotations

from dataclasses import dataclass


class CannotMask(Exception):
    """A message cannot be masked without losing what the person wrote.

    :ivar reason: Why, in plain language for the sender of the message.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class ListIdentity:
    """What subscribers see in place of the sender.

    :ivar display_name: The list's display name.
    :ivar posting_address: Goes to From.
    :ivar owner_address: Becomes the ORGANIZER of meeting invitations (R9).
    :ivar reply_to: Goes to Reply-To; None writes no such header (R8).
    :ivar domain: The list's mail domain, on the right of new Content-IDs and UIDs.
    """

    display_name: str
    posting_address: str
    owner_address: str
    reply_to: str | None
    domain: str


@dataclass(frozen=True)
class Sender:
    """What is known about the person apart from the message itself.

    :ivar addresses: All verified addresses of the person.
    :ivar names: The person's display names.
    """

    addresses: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
