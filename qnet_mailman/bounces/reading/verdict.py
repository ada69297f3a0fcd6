# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of a verdict: kinds, reasons, and one failure for each address (R16)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a message at the bounces address counts as (R16)."""

    none = 'none'
    soft = 'soft'
    hard = 'hard'


class Reason(Enum):
    """Why, in the field's words; the value is what people read."""

    # Soft by nature: the address is right, and mail may arrive again (R16, seed).
    mailbox_full = 'mailbox full'
    message_too_large = 'message too large'
    account_suspended = 'account suspended'
    # Soft because somebody tried for days and gave up (R16).
    transient = 'transient failure'
    # Hard: the address or its domain is wrong (R16, seed).
    address_unknown = 'address unknown'
    domain_unknown = 'domain unknown'
    moved = 'moved'
    # Refusals of the envelope sender: they say nothing about an address (R36).
    sender_refused = 'sender refused'
    # Refusals of us rather than of the address (R23); hard where permanent.
    policy = 'policy or blocklist'
    authentication = 'authentication'
    content = 'content'
    undetermined = 'undetermined'
    # Not a bounce.
    delay = 'delay warning'
    delivered = 'delivery confirmation'
    automatic_reply = 'automatic reply'
    feedback = 'feedback report'
    challenge = 'challenge'
    chatter = 'mailing-list message'
    other = 'not recognized'

    @property
    def refuses_the_list(self) -> bool:
        """Does this say something about the list rather than the address (R23)?"""
        return self in (Reason.policy, Reason.authentication, Reason.content)


@dataclass(frozen=True)
class Failure:
    """What happened to one address.

    :ivar address: The address that the message was sent to (``Original-Recipient``
        before ``Final-Recipient``), or None where the report names nobody.
    :ivar kind: Soft or hard, never none.
    :ivar status: Enhanced status code (RFC 3463) that was believed, or None.
    :ivar reply_code: SMTP reply code (RFC 5321 4.2) that was believed, or None.
    :ivar evidence: The text that decided: one line of at most 200 characters.
    :ivar aliases: Other addresses that the report gives for the same recipient.
    :ivar row: The row of `texts` or `reasons` that decided: the table's name and the
        phrase or code.
    :ivar host: The host that refused, where the report names it (R36).
    """

    address: str | None
    kind: Kind
    reason: Reason
    status: str | None = None
    reply_code: str | None = None
    evidence: str = ''
    aliases: tuple[str, ...] = ()
    row: str = ''
    host: str = ''


@dataclass(frozen=True)
class Verdict:
    """What a message at the bounces address says.

    :ivar kind: Hard if any address failed for good, else soft if any failed.
    :ivar reason: That of the first failure of this kind, or why it is no bounce.
    :ivar evidence: The same failure's text, or what shows that it is no bounce.
    :ivar failures: One for each failing address, in the report's order; empty where
        ``kind`` is none.
    :ivar row: The row of a table that decided, where one did and nobody failed.
    """

    kind: Kind
    reason: Reason
    evidence: str = ''
    failures: tuple[Failure, ...] = ()
    row: str = ''

    @property
    def recognized(self) -> bool:
        """False where nothing was understood: the list's setting says who sees it."""
        return self.reason is not Reason.other

    @classmethod
    def of(cls, failures: tuple[Failure, ...]) -> Verdict:
        """The verdict that these failures (at least one) add up to."""
        first = next((one for one in failures if one.kind is Kind.hard), failures[0])
        return cls(first.kind, first.reason, first.evidence, failures)
