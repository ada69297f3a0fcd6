# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain of the audit log (R31): no row is changed or taken out unseen.

Each row of the log gets a seal: a number without gaps, and a digest over the row and
the seal before.  One process at a time makes seals, after the rows are committed:
whoever writes to the log waits for nobody.

What tells of a person enters by a digest of its own, with a salt that stands in the
row.  Where both are taken away, later (`model/redaction.py`), the seals still fit, and
nobody finds out by trying what stood there.

Who owns the database can write a chain anew.  They cannot make it fit the count and the
last digest that a log server elsewhere was told (`checkpoint`).
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mailman.utilities.datetime import now
from sqlalchemy import Integer, Select, String, case, func, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from qnet_mailman.model.audit import Action, QNetAudit, as_dict
from qnet_mailman.model.base import Base, store
from qnet_mailman.model.jobs import claim_job

OVERDUE = timedelta(hours=1)
"""After which a row without a seal is a mistake."""
PACE = timedelta(seconds=30)
"""Between two times that seals are made."""
START = '0' * 64
"""What stands for the digest before the first."""

_PORTION = 10_000
"""Seals that are made at once, and numbers by which rows of one time may differ."""

log = logging.getLogger('mailman.plugins')


class QNetAuditSeal(Base):
    """The seal of one row of the audit log."""

    __tablename__ = 'qnet_audit_seal'

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """From 1, without gaps, in the order in which seals were made."""
    audit_id: Mapped[int] = mapped_column(Integer, unique=True)
    personal: Mapped[str] = mapped_column(String(64))
    """SHA-256 of salt, actor, subject and detail, in hexadecimal digits."""
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 of what is in this row and the audit log's, and of the digest before."""


_rows: Any = QNetAudit.__table__
_seals: Any = QNetAuditSeal.__table__
_HAS_SEAL = select(_seals.c.number).where(_seals.c.audit_id == _rows.c.id).exists()


@dataclass(frozen=True)
class Checkpoint:
    """How far the chain went at some time."""

    count: int
    digest: str


@dataclass(frozen=True)
class Verified:
    """What a look at the whole log has found.

    :ivar wrong: The first mistake, in words; None where there is none.
    :ivar waiting: Rows that have no seal yet.
    """

    sealed: Checkpoint
    redacted: int
    waiting: int
    wrong: str | None


def personal_digest(row: Any) -> str:
    """The digest of what tells of a person in a row of the log."""
    return _sha256(row.salt or '', row.actor, row.subject, row.detail)


def digest_after(previous: str, number: int, row: Any, personal: str) -> str:
    """The digest of a row's seal.

    :param previous: The digest of the seal before; `START` for the first.
    :param row: Of the log; its text is not looked at.
    """
    at = row.at.isoformat()
    return _sha256(previous, number, row.id, at, row.action, row.list_id, personal)


def _sha256(*facts: str | int | None) -> str:
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


Telling = Callable[[Iterable[Mapping[str, Any]]], None]
"""Takes rows that are given seals, in order, before that is committed; may fail."""


def untold(_rows: Iterable[Mapping[str, Any]]) -> None:
    """Tell nobody."""


def seal_due(moment: datetime, tell: Telling = untold) -> None:
    """Give seals to rows that have none, if there are any and nobody else does."""
    is_any = store().execute(_unsealed().limit(1)).first() is not None
    if is_any and claim_job('seal the audit log', PACE, moment):
        seal(tell=tell)


def seal(*, everything: bool = False, tell: Telling = untold) -> int:
    """Give seals to rows that have none; the caller commits.

    Only one process may do so at a time: see `model/jobs.py`.

    :param everything: Look at all rows, and not only at the newest.
    :param tell: Told each row: again where nobody commits it, and so at least once.
    :return: How many.
    """
    end = checkpoint()
    number, digest = end.count, end.digest
    made, rows = [], []
    row: Any
    for row in store().execute(_unsealed(everything).limit(_PORTION)):
        number += 1
        personal = personal_digest(row)
        digest = digest_after(digest, number, row, personal)
        made.append(
            {
                'number': number,
                'audit_id': row.id,
                'personal': personal,
                'digest': digest,
            }
        )
        rows.append(row)
    if made:
        tell(
            {
                'id': row.id,
                **as_dict(row),
                'seal': its['number'],
                'digest': its['digest'],
            }
            for row, its in zip(rows, made, strict=True)
        )
        store().execute(insert(_seals), made)
    return len(made)


def _unsealed(everything: bool = False) -> Select[Any]:
    """What asks for rows without a seal, the oldest first."""
    query = select(_rows).where(~_HAS_SEAL).order_by(_rows.c.id)
    if everything:
        return query
    # Of those that were begun long before others, and are committed after them.
    newest = select(func.coalesce(func.max(_rows.c.id), 0)).scalar_subquery()
    return query.where(_rows.c.id > newest - _PORTION)


def checkpoint() -> Checkpoint:
    """Where the chain ends."""
    query = select(_seals.c.number, _seals.c.digest).order_by(_seals.c.number.desc())
    last = store().execute(query.limit(1)).first()
    return Checkpoint(0, START) if last is None else Checkpoint(*last)


def log_end(tell: Telling = untold) -> None:
    """Seal what has none, and say where the chain ends, for another host to keep."""
    while seal(everything=True, tell=tell) == _PORTION:
        pass
    end = checkpoint()
    log.info('Audit log: %d rows are sealed, the last with %s', end.count, end.digest)


def verify(known: Checkpoint | None = None) -> Verified:
    """Look at every row of the log and its seal, in the order of the seals.

    :param known: What somebody was told of the chain at some time.
    """
    number, digest, redacted = 0, START, set[int]()
    told: set[int] = set()
    wrong = None
    for row in _sealed_rows():
        wrong = _mistake(row, number + 1, digest)
        if wrong is not None:
            break
        number, digest = row.number, row.digest
        if is_redacted(row):
            redacted.add(row.id)
        elif row.action == Action.redacted.value:
            told.update(json.loads(row.detail).get('rows', ()))
        if known is not None and known.count == number and known.digest != digest:
            wrong = f'row {row.id} and those before it are not what they were then'
            break
    waiting, late = _without_seal()
    if wrong is None and known is not None and known.count > number:
        wrong = f'{known.count} rows were sealed then, and {number} are now'
    if wrong is None and redacted - told:
        wrong = f'row {min(redacted - told)} was redacted, and no row says so'
    if wrong is None and late is not None:
        wrong = f'row {late} has no seal'
    return Verified(Checkpoint(number, digest), len(redacted), waiting, wrong)


def waits_since() -> datetime | None:
    """Since when a row among the newest has waited for its seal for too long, if so."""
    late = _unsealed().where(_rows.c.at < now() - OVERDUE).limit(1)
    row = store().execute(late).first()
    return None if row is None else row.at


def is_redacted(row: Any) -> bool:
    """What told of a person has been taken away from a row of the log."""
    return bool(row.salt is None and not row.actor)


def _sealed_rows() -> Iterator[Any]:
    query = (
        select(_seals, _rows)
        .join_from(_seals, _rows, _rows.c.id == _seals.c.audit_id, isouter=True)
        .order_by(_seals.c.number)
        .execution_options(yield_per=_PORTION)
    )
    yield from store().execute(query)


def _mistake(row: Any, number: int, previous: str) -> str | None:
    """What is wrong with a row that comes after a seal."""
    if row.number != number:
        return f'seal {number} is missing'
    if row.id is None:
        return f'row {row.audit_id} is missing'
    if row.digest != digest_after(previous, number, row, row.personal):
        return f'row {row.id} was changed, or its seal'
    if not is_redacted(row) and row.personal != personal_digest(row):
        return f'row {row.id} was changed'
    return None


def _without_seal() -> tuple[int, int | None]:
    """How many rows have no seal, and the first that should have one."""
    late = func.min(case((_rows.c.at < now() - OVERDUE, _rows.c.id)))
    query = select(func.count(), late).where(~_HAS_SEAL)
    count, first = store().execute(query).one()
    return count, first
