# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists that are closed, and until when that can be undone (R29).

The row is all that closes a list: members, settings and privileges stay as they are,
and are there again as soon as it is gone.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Boolean, DateTime, String, select
from sqlalchemy.orm import Mapped, mapped_column

from qnet_mailman.model.base import Base, OfAList, store


class QNetClosure(OfAList, Base):
    """A list that is closed."""

    __tablename__ = 'qnet_closure'

    list_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    action: Mapped[str] = mapped_column(String(20))
    ticket: Mapped[str] = mapped_column(String(100))
    """Of the form that closed it."""
    closed_at: Mapped[datetime] = mapped_column(DateTime)
    """In UTC, as `undo_until`."""
    undo_until: Mapped[datetime] = mapped_column(DateTime, index=True)
    announced_at: Mapped[datetime | None] = mapped_column(DateTime)
    """When the members were told; None where they were not."""
    advertised: Mapped[bool] = mapped_column(Boolean)
    """Whether Mailman showed the list before."""


def closure_of(list_id: str) -> QNetClosure | None:
    """The closure of a list; None while it is open."""
    return store().get(QNetClosure, list_id)


def closed_among(list_ids: Collection[str]) -> set[str]:
    """Those of some lists that are closed."""
    query = select(QNetClosure.list_id).where(QNetClosure.list_id.in_(list_ids))
    return set(store().scalars(query))
