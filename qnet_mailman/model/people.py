# SPDX-License-Identifier: GPL-3.0-or-later
"""Assignments of people to lists, the roles that they hold, and what follows (R25)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import DateTime, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from qnet_mailman.model.base import Base, OfAList


class QNetAssignment(OfAList, Base):
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
    """As it was written: the person's ID, or provider and ID with a colon between."""
    holder: Mapped[str] = mapped_column(String(300), default='', index=True)
    """The same as grants name it (see `roles.rights.Identity`); empty without ID."""
    role: Mapped[str] = mapped_column(String(20))
    """`administrator` or `moderator`."""
    may_post: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(DateTime)


class QNetGrant(Base):
    """A provider's word, or an operator's, that a person has a role or not (R24, R25).

    What a person may really do is the projection of it; see `roles`.
    """

    __tablename__ = 'qnet_grant'
    __table_args__ = (UniqueConstraint('provider', 'user_id', 'role'),)

    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(40))
    """Who knows the person under the ID: `harp`, in lower case."""
    user_id: Mapped[str] = mapped_column(String(255))
    """In lower case."""
    role: Mapped[str] = mapped_column(String(20))
    """`administrator` or `moderator`."""
    name: Mapped[str] = mapped_column(String(255), default='')
    email: Mapped[str] = mapped_column(String(320), default='', index=True)
    """The address that the provider has verified, in lower case; may be empty."""
    status: Mapped[str] = mapped_column(String(20))
    """`requested`, `active`, `denied`, `revoked` or `expired`."""
    expires_at: Mapped[datetime | None] = mapped_column(DateTime)
    """From when on the grant is not active any more, in UTC; None: it does not end."""
    reason: Mapped[str] = mapped_column(Text, default='')
    """Why it was denied or revoked, for the person to read."""
    route: Mapped[str] = mapped_column(String(20))
    """Who decided last: see `roles.grants.Route`."""
    told: Mapped[str] = mapped_column(String(20), default='')
    """The status that the person knows of (R28); another one is still to be told."""
    warned_at: Mapped[datetime | None] = mapped_column(DateTime)
    """When the person was told that the grant will expire (R28); in UTC."""
    created_at: Mapped[datetime] = mapped_column(DateTime)
    changed_at: Mapped[datetime] = mapped_column(DateTime)


class QNetUnattended(OfAList, Base):
    """A list that has lost its last administrator, until it has one again."""

    __tablename__ = 'qnet_unattended'

    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[str] = mapped_column(String(255), unique=True)
    since: Mapped[datetime] = mapped_column(DateTime)
    """In UTC."""
    told_at: Mapped[datetime | None] = mapped_column(DateTime)
    """When the operators were told last; in UTC."""


class QNetPoster(OfAList, Base):
    """An address that has posting privileges on a list, by projection (R3)."""

    __tablename__ = 'qnet_poster'
    __table_args__ = (UniqueConstraint('list_id', 'email'),)

    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[str] = mapped_column(String(255))
    email: Mapped[str] = mapped_column(String(320))
    """In lower case."""
