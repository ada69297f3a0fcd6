# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a post takes to its readers, for `/metrics`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    DateTime,
    Float,
    Index,
    Integer,
    String,
    bindparam,
    delete,
    func,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from qnet_mailman.model.base import Base, OfAList, store

KEPT = timedelta(days=7)


class QNetFanOut(OfAList, Base):
    """A post to a list, while its copies leave and for some days after."""

    __tablename__ = 'qnet_fan_out'
    __table_args__ = (
        Index('ix_qnet_fan_out_last_at', 'last_at'),
        Index('ix_qnet_fan_out_list_id', 'list_id'),
    )

    post: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Hash of list and Message-ID."""
    list_id: Mapped[str] = mapped_column(String(255))
    first_seconds: Mapped[float] = mapped_column(Float)
    """From the post's coming to the end of the first batch of its copies."""
    last_seconds: Mapped[float] = mapped_column(Float)
    """To the end of the last one so far."""
    copies: Mapped[int] = mapped_column(Integer)
    """That the mail server has taken."""
    last_at: Mapped[datetime] = mapped_column(DateTime)
    """In UTC."""


_NOTE = text(
    'INSERT INTO qnet_fan_out '
    '(post, list_id, first_seconds, last_seconds, copies, last_at) '
    'VALUES (:post, :list_id, :seconds, :seconds, :copies, :last_at) '
    'ON CONFLICT (post) DO UPDATE SET last_seconds = excluded.last_seconds, '
    'copies = qnet_fan_out.copies + excluded.copies, last_at = excluded.last_at'
).bindparams(bindparam('last_at', type_=DateTime))


def note(
    list_id: str, message_id: str, *, came: datetime, copies: int, moment: datetime
) -> None:
    """Note that a batch of a post's copies has left; one statement.

    :param came: When the post came, in UTC without a zone, as `moment`.
    """
    whole = f'{list_id}\0{message_id}'.encode('utf-8', 'surrogateescape')
    store().execute(
        _NOTE,
        {
            'post': hashlib.sha256(whole).hexdigest(),
            'list_id': list_id,
            'seconds': max(0.0, (moment - came).total_seconds()),
            'copies': copies,
            'last_at': moment,
        },
    )


@dataclass(frozen=True)
class Slowest:
    """The posts of which copies left lately.

    :ivar posts: How many.
    :ivar first: Seconds to the first copies of the slowest of them.
    :ivar last: Seconds to its last copies so far.
    """

    posts: int
    first: float
    last: float


def slowest(since: datetime) -> Slowest:
    """The slowest of the posts that left since then, in UTC; one statement."""
    query = select(
        func.count(),
        func.coalesce(func.max(QNetFanOut.first_seconds), 0.0),
        func.coalesce(func.max(QNetFanOut.last_seconds), 0.0),
    )
    return Slowest(*store().execute(query.where(QNetFanOut.last_at >= since)).one())


def prune(moment: datetime) -> None:
    """Remove posts that have left long ago; `moment` in UTC, without a zone."""
    store().execute(delete(QNetFanOut).where(QNetFanOut.last_at < moment - KEPT))
