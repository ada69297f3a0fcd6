# SPDX-License-Identifier: GPL-3.0-or-later
"""The ring of keys that sign what we hand out: links to leave (R15), envelope senders
(R35), marks of lists.

The newest key signs; every key that still has its secret verifies, so that a new one
leaves yesterday's mail working.  A key that is taken back loses its secret and keeps
its row: its number is not used again, and its links are known for what they are.

Keys are read where they are needed and remembered no longer than a transaction: what an
operator changes holds for every process with the next message and the next click.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Any

from mailman.config import config
from mailman.utilities.datetime import now
from sqlalchemy import DateTime, LargeBinary, bindparam, func, select, text

from qnet_mailman.model import audit
from qnet_mailman.model.base import read_in_transaction, store
from qnet_mailman.model.subscriptions import QNetKey

SECRET_BYTES = 32
EPOCH = date(2020, 1, 1)
"""What is signed counts its days from this one."""

_INSERT = text(
    'INSERT INTO qnet_key (id, secret, made_at) VALUES (:id, :secret, :made_at) '
    'ON CONFLICT (id) DO NOTHING'
).bindparams(
    bindparam('secret', type_=LargeBinary), bindparam('made_at', type_=DateTime)
)


def reason_no_day(today: date) -> str | None:
    """Why nothing can be signed on a day: it is before our time.  None if it can."""
    if today >= EPOCH:
        return None
    return f'the clock of this host is wrong: it says {today}'


class State(StrEnum):
    """What a key is good for."""

    signs = 'signs'
    """And verifies."""
    verifies = 'verifies'
    revoked = 'revoked'


@dataclass(frozen=True)
class Key:
    """A key that can be used."""

    id: int
    secret: bytes


@lru_cache(maxsize=4)
def _keyed(secret: bytes) -> tuple[Any, Any]:
    """The two hashes of an HMAC (RFC 2104 section 2), which have read their key."""
    assert len(secret) <= sha256().block_size
    padded = secret.ljust(sha256().block_size, b'\0')
    inner, outer = (bytes(one ^ pad for one in padded) for pad in (0x36, 0x5C))
    return sha256(inner), sha256(outer)


def signature(secret: bytes, data: bytes) -> bytes:
    """HMAC with SHA-256, in a third of the time of `hmac.digest`, which begins anew.

    :param secret: At most 64 bytes.
    """
    fresh_inner, fresh_outer = _keyed(secret)
    inner, outer = fresh_inner.copy(), fresh_outer.copy()
    inner.update(data)
    outer.update(inner.digest())
    return bytes(outer.digest())


_NEWEST = (
    select(QNetKey.id, QNetKey.secret)
    .where(QNetKey.secret.is_not(None))
    .order_by(QNetKey.id.desc())
    .limit(1)
)


def signing(*, commit: bool = True) -> Key:
    """The newest key.

    The first is made when it is needed, and committed at once, with whatever else the
    session holds: mail that it signs cannot be called back.  Where a dozen processes do
    so at the same time, the table's primary key lets one of them win.

    :param commit: False where what is signed is worth nothing anyway if the caller's
        transaction comes to nothing.
    """
    key = _newest()
    if key is None:
        rotate()
        if commit:
            config.db.commit()
        key = _newest()
        assert key is not None
    return key


def _newest() -> Key | None:
    known = read_in_transaction('keys')
    if 'newest' not in known:
        known['newest'] = key = _read_newest()
        if key is not None:
            known[key.id] = key
    found: Key | None = known['newest']
    return found


def _read_newest() -> Key | None:
    row = store().execute(_NEWEST).first()
    return None if row is None or row.secret is None else Key(row.id, bytes(row.secret))


def verifying(key_id: int) -> Key | None:
    """A key by its number; None where it was taken back.

    :raises LookupError: if there never was such a key.
    """
    known = read_in_transaction('keys')
    if key_id not in known:
        query = select(QNetKey.secret).where(QNetKey.id == key_id)
        row = store().execute(query).first()
        if row is None:
            raise LookupError(key_id)
        known[key_id] = None if row.secret is None else Key(key_id, bytes(row.secret))
    found: Key | None = known[key_id]
    return found


def rotate() -> int:
    """Make a new key, which signs from now on.

    Where another process makes one at the same time, that one is it.

    :return: Its number.
    """
    key_id = (store().scalar(select(func.max(QNetKey.id))) or 0) + 1
    made = store().execute(
        _INSERT,
        {'id': key_id, 'secret': secrets.token_bytes(SECRET_BYTES), 'made_at': now()},
    )
    read_in_transaction('keys').clear()
    if made.rowcount:  # type: ignore[attr-defined]
        audit.record(audit.Action.key_made, subject=str(key_id))
    return key_id


def revoke(key_ids: Sequence[int]) -> list[int]:
    """Take keys back: links that they signed do nothing from now on.

    Where the one that signs is among them, a new one is made first.

    :return: The numbers of those that were not taken back before.
    """
    rows = store().scalars(
        select(QNetKey)
        .where(QNetKey.id.in_(key_ids), QNetKey.secret.is_not(None))
        .order_by(QNetKey.id)
        .with_for_update()
    )
    keys = list(rows)
    newest = _newest()
    if newest is not None and newest.id in {key.id for key in keys}:
        rotate()
    for key in keys:
        key.secret = None
        audit.record(audit.Action.key_revoked, subject=str(key.id))
    store().flush()
    read_in_transaction('keys').clear()
    return [key.id for key in keys]


def made_before(moment: datetime) -> list[int]:
    """The numbers of the keys made before a moment in UTC."""
    return list(
        store().scalars(
            select(QNetKey.id).where(QNetKey.made_at < moment).order_by(QNetKey.id)
        )
    )


def all_keys() -> list[tuple[int, datetime, State]]:
    """Every key there ever was: number, when it was made (UTC), what it is good for."""
    rows = store().execute(
        select(QNetKey.id, QNetKey.made_at, QNetKey.secret.is_(None)).order_by(
            QNetKey.id
        )
    )
    newest = _newest()
    found = []
    for key_id, made_at, revoked in rows:
        if revoked:
            state = State.revoked
        elif newest is not None and key_id == newest.id:
            state = State.signs
        else:
            state = State.verifies
        found.append((key_id, made_at, state))
    return found
