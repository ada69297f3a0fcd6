# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists that were Mailman's own before, and what they were then (R40)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import DateTime, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from qnet_mailman.model.base import Base, OfAList


class QNetAdoption(OfAList, Base):
    """What adopting a list replaced, for when it is handed back."""

    __tablename__ = 'qnet_adoption'

    list_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    adopted_at: Mapped[datetime] = mapped_column(DateTime)
    """In UTC."""
    settings: Mapped[str] = mapped_column(Text)
    """JSON: by name, Mailman's setting as it was and as it became."""
    rosters: Mapped[str] = mapped_column(Text)
    """JSON: the memberships that were on the rosters of owners and moderators."""
