# SPDX-License-Identifier: GPL-3.0-or-later
"""What joining and leaving need to remember beyond Mailman's own pendings."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import DateTime, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from qnet_mailman.model.base import Base


class QNetLimit(Base):
    """How often something was asked for in a period, by whom or for whom."""

    __tablename__ = 'qnet_limit'
    __table_args__ = (Index('ix_qnet_limit_ends_at', 'ends_at'),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Hash of what is limited, for whom, and of the period's beginning."""
    times: Mapped[int] = mapped_column(Integer)
    ends_at: Mapped[datetime] = mapped_column(DateTime)
    """When the period is over and the row can go; in UTC."""


class QNetKey(Base):
    """A key that signs the links by which a subscriber leaves (R15).

    The newest one signs; every one that is here verifies.
    """

    __tablename__ = 'qnet_key'

    id: Mapped[int] = mapped_column(primary_key=True)
    """From 1, named in each link; a number is not used again."""
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    """32 random bytes; None once the key was taken back, and its links with it."""
    made_at: Mapped[datetime] = mapped_column(DateTime)
    """In UTC."""
