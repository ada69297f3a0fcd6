# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of messages that are on a web server, as core knows them.

In the database and not in files, so that each host has them (R41).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

from mailman.utilities.datetime import now
from sqlalchemy import DateTime, String, Text, delete, update
from sqlalchemy.orm import Mapped, mapped_column

from qnet_mailman.model.base import Base, store
from qnet_mailman.model.statements import insert_over


class QNetText(Base):
    """What was last known to be at an address."""

    __tablename__ = 'qnet_text'

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of the address, in hexadecimal: addresses are of any length."""
    text: Mapped[str] = mapped_column(Text)
    good_until: Mapped[datetime | None] = mapped_column(DateTime)
    """In UTC, when it is to be fetched again; None: not before it is set anew."""

    @property
    def is_good(self) -> bool:
        """Whether nobody needs to ask for it."""
        return self.good_until is None or self.good_until > now()


_KEEP = insert_over(QNetText.__table__, ['digest'])


def _digest(uri: str) -> str:
    return hashlib.sha256(uri.encode('utf-8', 'surrogatepass')).hexdigest()


def known(uri: str) -> QNetText | None:
    """What is known of an address."""
    return store().get(QNetText, _digest(uri), populate_existing=True)


def keep(uri: str, text: str, good_until: datetime | None) -> None:
    """Remember what is at an address."""
    row = {'digest': _digest(uri), 'text': text, 'good_until': good_until}
    store().execute(_KEEP, row)


def expire(uri: str) -> None:
    """Let it be fetched again; until then it stays the last that is known."""
    where = update(QNetText).where(QNetText.digest == _digest(uri))
    store().execute(where.values(good_until=now()))


def forget(uris: Iterable[str]) -> None:
    """Remove what is known of addresses."""
    digests = [_digest(uri) for uri in uris]
    store().execute(delete(QNetText).where(QNetText.digest.in_(digests)))
