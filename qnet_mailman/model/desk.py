# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ticket system of a site is still to hear about requests."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import DateTime, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from qnet_mailman.model.base import Base


class Step(StrEnum):
    """What happened to a request."""

    arrived = 'arrived'
    needs_correction = 'needs-correction'
    approved = 'approved'
    done = 'done'
    """It was carried out, and its requester is told."""


class QNetDeskEvent(Base):
    """A step of a request; the row goes when the ticket system has heard of it."""

    __tablename__ = 'qnet_desk_event'

    id: Mapped[int] = mapped_column(primary_key=True)
    """The order in which the steps of a request are told."""
    event_id: Mapped[str] = mapped_column(String(32))
    """The same each time that it is told."""
    request_id: Mapped[int] = mapped_column(Integer, index=True)
    step: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(DateTime)
    """When it happened, in UTC."""
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    due_at: Mapped[datetime] = mapped_column(DateTime, index=True)
    """When it is told next, in UTC."""
