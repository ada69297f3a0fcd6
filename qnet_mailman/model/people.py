# SPDX-License-Identifier: GPL-3.0-or-later
"""Assignments of people to lists, and who may post because of them (R25)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import DateTime, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from qnet_mailman.model.base import Base


class QNetAssignment(Base):
    """A person is to be administrator or moderator of a list (R25).

    What the person may really do is the projection of it; see `roles`.
    """

    __tablename__ = 'qnet_assignment'
    __table_args__ = (UniqueConstraint('list_id', 'email', 'role'),)

    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[str] = mapped_column(String(255))
    email: Mapped[str] = mapped_column(String(320), index=True)
    """In lower case."""
    name: Mapped[str] = mapped_column(String(255), default='')
    harp_id: Mapped[str] = mapped_column(String(255), default='')
    role: Mapped[str] = mapped_column(String(20))
    """`administrator` or `moderator`."""
    may_post: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(DateTime)


class QNetPoster(Base):
    """An address that has posting privileges on a list, by projection (R3)."""

    __tablename__ = 'qnet_poster'
    __table_args__ = (UniqueConstraint('list_id', 'email'),)

    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[str] = mapped_column(String(255))
    email: Mapped[str] = mapped_column(String(320))
    """In lower case."""
