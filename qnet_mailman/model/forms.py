# SPDX-License-Identifier: GPL-3.0-or-later
"""Request forms that were applied (R30)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import DateTime, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from qnet_mailman.model.base import Base, OfAList


class QNetForm(OfAList, Base):
    """The last state in which a ticket's form was applied to a list."""

    __tablename__ = 'qnet_form'
    __table_args__ = (UniqueConstraint('list_id', 'kind', 'ticket'),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    ticket: Mapped[str] = mapped_column(String(100), index=True)
    list_id: Mapped[str] = mapped_column(String(255))
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the content, in hexadecimal."""
    content: Mapped[str] = mapped_column(Text)
    """The form as JSON, defaults filled in."""
    applied_at: Mapped[datetime] = mapped_column(DateTime)
    notified_at: Mapped[datetime | None] = mapped_column(DateTime)
    """When the people were told; None while that is still to be done."""
