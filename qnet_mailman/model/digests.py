# SPDX-License-Identifier: GPL-3.0-or-later
"""Posts that wait for the next digest of their list (R33, R41).

Mailman keeps them in a file, whose lock a process that is killed leaves behind, and
which may then hold half a post.  A row comes and goes with the work that it belongs to,
and is there for every host.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import LargeBinary, String, bindparam, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from qnet_mailman.model.base import Base, OfAList, store
from qnet_mailman.model.statements import chunks, touched


class QNetDigestPost(OfAList, Base):
    """One row a post, in the order in which they came."""

    __tablename__ = 'qnet_digest_post'

    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[str] = mapped_column(String(255), index=True)
    size: Mapped[int]
    """Of `content`, in bytes."""
    content: Mapped[bytes] = mapped_column(LargeBinary)
    """The post as it is delivered, but for what is personal."""


_SIZE = select(func.coalesce(func.sum(QNetDigestPost.size), 0)).where(
    QNetDigestPost.list_id == bindparam('list_id')
)


def add(list_id: str, content: bytes) -> None:
    """Let a post wait."""
    store().add(QNetDigestPost(list_id=list_id, size=len(content), content=content))
    store().flush()


def size_of(list_id: str) -> int:
    """How much waits for a list's next digest, in bytes."""
    return int(store().scalar(_SIZE, {'list_id': list_id}) or 0)


def waiting(list_id: str) -> list[tuple[int, bytes]]:
    """What waits: the number of its row and the post, in the order of their coming."""
    query = (
        select(QNetDigestPost.id, QNetDigestPost.content)
        .where(QNetDigestPost.list_id == list_id)
        .order_by(QNetDigestPost.id)
    )
    return [row._tuple() for row in store().execute(query)]


def remove(rows: Iterable[int]) -> bool:
    """Remove posts that are in a digest now.

    :return: Whether all were there still; if not, somebody else has made a digest of
        some, and the caller must take its own back.
    """
    return all(
        touched(
            delete(QNetDigestPost)
            .where(QNetDigestPost.id.in_(some))
            .execution_options(synchronize_session=False)
        )
        == len(some)
        for some in chunks(sorted(rows))
    )
