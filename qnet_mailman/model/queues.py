# SPDX-License-Identifier: GPL-3.0-or-later
"""Queue entries whose work is in the database while they are still in their queue."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import DateTime, String, delete
from sqlalchemy.orm import Mapped, mapped_column

from qnet_mailman.model.base import Base, store

KEPT = timedelta(days=90)
"""A row outlives its runner only where that was killed."""


class QNetHandover(Base):
    """One row a runner: the entry that it did last, with what came of it (R33)."""

    __tablename__ = 'qnet_handover'

    entry: Mapped[str] = mapped_column(String(255), primary_key=True)
    """Name of the queue, a slash, name of the entry."""
    done_at: Mapped[datetime] = mapped_column(DateTime)
    """In UTC."""


def sweep(moment: datetime) -> None:
    """Remove rows whose entries are long gone."""
    store().execute(delete(QNetHandover).where(QNetHandover.done_at < moment - KEPT))
