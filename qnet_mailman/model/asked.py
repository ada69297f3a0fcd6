# SPDX-License-Identifier: GPL-3.0-or-later
"""Request forms from the web that wait for their requester to confirm them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import DateTime, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from qnet_mailman.model.base import Base


class QNetAskedForm(Base):
    """A form that somebody filled in on the web, in whoever's name.

    It is no request yet: no operator sees it, and it has no number.
    """

    __tablename__ = 'qnet_asked_form'

    id: Mapped[int] = mapped_column(primary_key=True)
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256, in hexadecimal, of the token in the mail: who reads the table cannot
    confirm."""
    requester: Mapped[str] = mapped_column(String(320))
    """Whose address the form names."""
    asked_at: Mapped[datetime] = mapped_column(DateTime)
    """In UTC."""
    expires_at: Mapped[datetime] = mapped_column(DateTime, index=True)
    """In UTC."""
    content: Mapped[bytes] = mapped_column(LargeBinary)
    """The form, in JSON."""
    subscribers: Mapped[bytes] = mapped_column(LargeBinary)
    """The CSV file that it names; empty where it names none."""
