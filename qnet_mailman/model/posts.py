# SPDX-License-Identifier: GPL-3.0-or-later
"""Message-IDs of posts: as they came in and as subscribers know them.

A masked post has a new Message-ID (R8).  Replies to it name the new one, but
the author's own copy, and whoever was addressed beside the list, name the
old one; this table leads from either to the one that subscribers have.

Anybody may write anything into a Message-ID, so that it is looked up by its
hash: of a fixed size, whatever bytes it holds.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime

from mailman.utilities.datetime import now
from sqlalchemy import (
    DateTime,
    Index,
    String,
    UniqueConstraint,
    bindparam,
    or_,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column

from qnet_mailman.mlist import Mlist
from qnet_mailman.model.base import Base, OfAList, store

MAX_REFERENCES = 50
"""References that are looked up for one post; the last ones are the nearest."""

_PLAIN_ID = re.compile(r'<[!-;=?-~]{1,900}>')


class QNetPost(OfAList, Base):
    """One row a post that went out."""

    __tablename__ = 'qnet_post'
    __table_args__ = (
        UniqueConstraint('list_id', 'received_key'),
        Index('ix_qnet_post_list_id_delivered_key', 'list_id', 'delivered_key'),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[str] = mapped_column(String(255))
    received_key: Mapped[str] = mapped_column(String(64))
    delivered_key: Mapped[str] = mapped_column(String(64))
    delivered_id: Mapped[str] = mapped_column(String(998))
    author_key: Mapped[str] = mapped_column(String(64))
    """Hash of the author's address where the post is not masked; else empty."""
    posted_at: Mapped[datetime] = mapped_column(DateTime)


_DELIVERED_ID = select(QNetPost.delivered_id).where(
    QNetPost.list_id == bindparam('list_id'),
    QNetPost.received_key == bindparam('received_key'),
)


def _key(text: str) -> str:
    return hashlib.sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()


def delivered_id_of(mlist: Mlist, received_id: str) -> str | None:
    """The Message-ID under which subscribers know a post."""
    asked = {'list_id': mlist.list_id, 'received_key': _key(received_id)}
    return store().scalar(_DELIVERED_ID, asked)


def remember(
    mlist: Mlist, received_id: str, delivered_id: str, author: str | None
) -> None:
    """Note a post under both its Message-IDs, once.

    :param author: The address of the author of a post that is not masked.

    One whose id nobody could refer to, not being a Message-ID (RFC 5322
    section 3.6.4), is not noted.
    """
    if not _PLAIN_ID.fullmatch(delivered_id):
        return
    if delivered_id_of(mlist, received_id) is None:
        store().add(
            QNetPost(
                list_id=mlist.list_id,
                received_key=_key(received_id),
                delivered_key=_key(delivered_id),
                delivered_id=delivered_id,
                author_key='' if author is None else _key(author),
                posted_at=now(),
            )
        )


def thread_of(
    mlist: Mlist, referenced: Iterable[str], hidden: Iterable[str] = ()
) -> dict[str, str]:
    """Where references of a post lead.

    :param referenced: Message-IDs out of In-Reply-To and References.
    :param hidden: The addresses of an author who is to be masked.  Posts that the
        same person sent unmasked are left out: their ids name the person's host.
    :return: For each that is a post of this list, by either of its ids, the
        id under which subscribers know it.
    """
    wanted = {
        _key(message_id): message_id
        for message_id in list(referenced)[-MAX_REFERENCES:]
    }
    if not wanted:
        return {}
    rows = store().execute(
        select(
            QNetPost.received_key, QNetPost.delivered_key, QNetPost.delivered_id
        ).where(
            QNetPost.list_id == mlist.list_id,
            or_(QNetPost.received_key.in_(wanted), QNetPost.delivered_key.in_(wanted)),
            QNetPost.author_key.not_in([_key(address) for address in hidden]),
        )
    )
    return {
        wanted[key]: delivered_id
        for received_key, delivered_key, delivered_id in rows
        for key in (received_key, delivered_key)
        if key in wanted
    }
