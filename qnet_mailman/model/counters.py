# SPDX-License-Identifier: GPL-3.0-or-later
"""What has happened so far, counted for all processes and hosts, for `/metrics`.

A count is kept in memory until the transaction at hand is committed, and is then
written with it, in one statement: what is rolled back has not happened.  As it is the
last statement, and has its rows in one order, nobody waits long for these rows, which
all processes share, nor for each other.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable

from sqlalchemy import BigInteger, String, TextClause, event, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from qnet_mailman.model.base import Base, store

MOST = 50
"""Values that the label of a counter has at most, beside `OTHER`."""
OTHER = 'other'

Key = tuple[str, str, str]
"""What is counted, its label (a provider, a kind), and how it went."""

_PENDING = 'qnet_counts'
_known: dict[str, set[str]] = {}
"""The labels that are in the table, by what is counted, as this process knows them."""


class QNetCounter(Base):
    """How often something has happened."""

    __tablename__ = 'qnet_counter'

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    label: Mapped[str] = mapped_column(String(255), primary_key=True)
    detail: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)


def add(name: str, label: str = '', detail: str = '', times: int = 1) -> None:
    """Count what happens in the transaction at hand.

    :param name: What: one of a few words.
    :param label: Never of a person; only `MOST` are told apart.
    :param detail: One of a few words.
    """
    session = store()
    if not session.in_transaction():
        # Otherwise it would not be told that it is rolled back.
        session.begin()
    pending = session.info.setdefault(_PENDING, Counter())
    pending[name, label[:255], detail] += times


def counted() -> list[tuple[str, str, str, int]]:
    """All counts that are committed: what, label, detail and how often."""
    rows = select(
        QNetCounter.name, QNetCounter.label, QNetCounter.detail, QNetCounter.value
    )
    ordered = rows.order_by(QNetCounter.name, QNetCounter.label, QNetCounter.detail)
    return [tuple(row) for row in store().execute(ordered)]


def _with_few_labels(session: Session, counts: Counter[Key]) -> Counter[Key]:
    """The same counts, where no label is one too many; the frequent come first."""
    new = Counter[tuple[str, str]]()
    for (name, label, _), times in counts.items():
        if label not in _known.get(name, ()):
            new[name, label] += times
    if not new:
        return counts
    _look(session, {name for name, _ in new})
    for (name, label), _ in sorted(new.items(), key=lambda each: (-each[1], each[0])):
        if len(_known[name]) < MOST:
            _known[name].add(label)
    few: Counter[Key] = Counter()
    for (name, label, detail), times in counts.items():
        few[name, label if label in _known[name] else OTHER, detail] += times
    return few


def _look(session: Session, names: Iterable[str]) -> None:
    query = select(QNetCounter.name, QNetCounter.label).distinct()
    rows = session.execute(query.where(QNetCounter.name.in_(names))).tuples().all()
    for name in names:
        _known[name] = {label for of, label in rows if of == name} - {OTHER}


@functools.lru_cache(maxsize=8)
def _raise(rows: int) -> TextClause:
    values = ', '.join(
        f'(:name{n}, :label{n}, :detail{n}, :times{n})' for n in range(rows)
    )
    return text(
        f'INSERT INTO qnet_counter (name, label, detail, value) VALUES {values} '
        'ON CONFLICT (name, label, detail) '
        'DO UPDATE SET value = qnet_counter.value + excluded.value'
    )


def _write(session: Session) -> None:
    """Write what was counted in the transaction that is about to be committed."""
    pending: Counter[Key] | None = session.info.get(_PENDING)
    if not pending or session.in_nested_transaction():
        return
    # First what else the transaction has to write, which may wait for somebody.
    session.flush()
    del session.info[_PENDING]
    given: dict[str, str | int] = {}
    few = _with_few_labels(session, pending)
    for number, ((name, label, detail), times) in enumerate(sorted(few.items())):
        given[f'name{number}'], given[f'label{number}'] = name, label
        given[f'detail{number}'], given[f'times{number}'] = detail, times
    session.execute(_raise(len(few)), given)


def _forget(session: Session) -> None:
    session.info.pop(_PENDING, None)


event.listen(Session, 'before_commit', _write)
event.listen(Session, 'after_rollback', _forget)
