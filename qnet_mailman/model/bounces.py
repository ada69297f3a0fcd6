# SPDX-License-Identifier: GPL-3.0-or-later
"""The bounce ledger, suspensions, and what administrators are still to be told.

Points are whole half-points everywhere (R17): Mailman's `member.bounce_score` is an
Integer column, in which PostgreSQL would round half a point away.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from mailman.database.types import UUID as MailmanUUID
from sqlalchemy import (
    Boolean,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from qnet_mailman.model.base import Base, OfAList


class State(StrEnum):
    """Whether a row of the ledger counts towards the score."""

    counted = 'counted'
    withheld = 'withheld'
    """A provider refused the list, not the address (R23)."""
    cleared = 'cleared'
    """The member was enabled again afterwards (R22)."""


class QNetBounce(OfAList, Base):
    """A member's first bounce of a day, which decides about the day (R17)."""

    __tablename__ = 'qnet_bounce'
    __table_args__ = (
        # What makes "at most once per calendar day" true for concurrent runners.
        UniqueConstraint('member_id', 'day'),
        Index('ix_qnet_bounce_list_id_day', 'list_id', 'day'),
        Index('ix_qnet_bounce_list_id_provider_day', 'list_id', 'provider', 'day'),
        Index('ix_qnet_bounce_day', 'day'),
        # And what makes a report that is sent again nothing (R35).
        Index('uq_qnet_bounce_member_id_post', 'member_id', 'post', unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[str] = mapped_column(String(36))
    """Mailman's member id (a UUID): another one after leaving and rejoining (R22)."""
    list_id: Mapped[str] = mapped_column(String(255))
    email: Mapped[str] = mapped_column(String(320))
    domain: Mapped[str] = mapped_column(String(255))
    """The recipient's domain, in lower case (R23)."""
    provider: Mapped[str] = mapped_column(String(255), server_default='')
    """Who refused, as `providers.provider` has it (R36)."""
    day: Mapped[date] = mapped_column(Date)
    """The calendar day of the site's time zone on which the report was received."""
    half_points: Mapped[int] = mapped_column(Integer)
    """1 for soft, 2 for hard."""
    state: Mapped[str] = mapped_column(String(10), default=State.counted.value)
    kind: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(40))
    status: Mapped[str | None] = mapped_column(String(20))
    reply_code: Mapped[str | None] = mapped_column(String(3))
    evidence: Mapped[str] = mapped_column(String(500))
    received_at: Mapped[datetime] = mapped_column(DateTime)
    """In UTC."""
    post: Mapped[str | None] = mapped_column(String(8))
    """The post that bounced, as its envelope sender names it; None where that is not
    known."""


class QNetEarlierCopy(OfAList, Base):
    """A member who was sent a copy before envelope senders had tokens (R35)."""

    __tablename__ = 'qnet_earlier_copy'
    __table_args__ = (Index('ix_qnet_earlier_copy_list_id', 'list_id'),)

    member_id: Mapped[UUID] = mapped_column(MailmanUUID, primary_key=True)
    """Mailman's member id, in Mailman's own type."""
    list_id: Mapped[str] = mapped_column(String(255))
    upgraded_at: Mapped[datetime] = mapped_column(DateTime)
    """In UTC."""


class QNetRefusal(OfAList, Base):
    """A day on which a provider refused a list, not its members' addresses (R23)."""

    __tablename__ = 'qnet_refusal'
    # One alert a day, however many runners notice at once.
    __table_args__ = (UniqueConstraint('list_id', 'domain', 'day'),)

    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[str] = mapped_column(String(255))
    domain: Mapped[str] = mapped_column(String(255))
    """The provider's, in lower case; `providers.EVERYWHERE` for all of the day."""
    day: Mapped[date] = mapped_column(Date)
    withheld: Mapped[bool] = mapped_column(Boolean)
    """False where an operator decided that the refusals count all the same."""
    at: Mapped[datetime] = mapped_column(DateTime)


class QNetSuspension(OfAList, Base):
    """A member whose delivery is disabled by bounces, and the warnings sent (R19)."""

    __tablename__ = 'qnet_suspension'
    __table_args__ = (Index('ix_qnet_suspension_next_step_at', 'next_step_at'),)

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[str] = mapped_column(String(36), unique=True)
    list_id: Mapped[str] = mapped_column(String(255), index=True)
    email: Mapped[str] = mapped_column(String(320))
    disabled_at: Mapped[datetime] = mapped_column(DateTime)
    warnings: Mapped[int] = mapped_column(Integer, default=0)
    """Warnings sent so far."""
    next_step_at: Mapped[datetime] = mapped_column(DateTime)
    """When the next warning, or the removal, is due."""


class QNetBounceNotice(OfAList, Base):
    """An event that administrators are to be told of at the next cycle (R20)."""

    __tablename__ = 'qnet_bounce_notice'
    __table_args__ = (Index('ix_qnet_bounce_notice_list_id', 'list_id'),)

    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[str] = mapped_column(String(255))
    event: Mapped[str] = mapped_column(String(20))
    """`bounced`, `disabled`, `removed`, `refused` (R23) or `unrecognized`."""
    email: Mapped[str] = mapped_column(String(320), default='')
    kind: Mapped[str] = mapped_column(String(10), default='')
    reason: Mapped[str] = mapped_column(String(40), default='')
    evidence: Mapped[str] = mapped_column(String(500), default='')
    half_score: Mapped[int] = mapped_column(Integer, default=0)
    """The score after the event, in half-points."""
    threshold: Mapped[int] = mapped_column(Integer, default=0)
    """In points."""
    report: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The report's first bytes (at most 32 KB)."""
    at: Mapped[datetime] = mapped_column(DateTime)


class QNetJob(Base):
    """When work that is done now and then was last begun, on whichever host."""

    __tablename__ = 'qnet_job'

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    begun_at: Mapped[datetime] = mapped_column(DateTime)
