# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain of the audit log (R31): what was changed or taken out is named."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from mailman.config import config
from sqlalchemy import text

from qnet_mailman.model import redaction, seals
from qnet_mailman.model.audit import Action, QNetAudit, record
from qnet_mailman.model.base import store
from qnet_mailman.model.seals import Checkpoint
from tests.clock import Clock

MOMENT = datetime(2027, 3, 14, 6, 59, 59)
READER = 'reader@hospital.example.org'

pytestmark = pytest.mark.usefixtures('core')


def write(count: int) -> None:
    """So many rows, of which each is committed by itself."""
    for number in range(count):
        record(Action.assigned, 'a.lists.example.gov', READER, turn=number)
        config.db.commit()


def sealed(count: int) -> Checkpoint:
    write(count)
    seals.seal()
    config.db.commit()
    return seals.checkpoint()


@contextmanager
def owner() -> Iterator[Any]:
    """A transaction of somebody who gets around the triggers."""
    triggers: Any = ()
    if config.db.engine.dialect.name == 'sqlite':
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        triggers = store().execute(text(query)).all()
    else:
        store().execute(text('SET LOCAL session_replication_role = replica'))
    for name, _sql in triggers:
        store().execute(text(f'DROP TRIGGER {name}'))
    yield lambda statement, **values: store().execute(text(statement), values)
    for _name, sql in triggers:
        store().execute(text(sql))
    config.db.commit()


def test_rows_are_sealed_once_in_one_chain() -> None:
    assert seals.verify().sealed == Checkpoint(0, seals.START)
    first = sealed(3)
    assert first.count == 3
    last = sealed(2)
    found = seals.verify(first)
    assert (found.sealed, found.waiting, found.wrong) == (last, 0, None)
    assert seals.seal(everything=True) == 0


@pytest.mark.parametrize(
    ('statement', 'says'),
    [
        ("UPDATE qnet_audit SET actor = 'nobody' WHERE id = :id", 'row {} was changed'),
        ("UPDATE qnet_audit SET detail = '{{}}' WHERE id = :id", 'row {} was changed'),
        ("UPDATE qnet_audit SET salt = 'x' WHERE id = :id", 'row {} was changed'),
        ("UPDATE qnet_audit SET list_id = 'b' WHERE id = :id", 'row {} was changed'),
        ("UPDATE qnet_audit SET action = 'x' WHERE id = :id", 'row {} was changed'),
        (
            "UPDATE qnet_audit SET at = '2026-01-01 00:00:00' WHERE id = :id",
            'row {} was changed',
        ),
        ('DELETE FROM qnet_audit WHERE id = :id', 'row {} is missing'),
        ('DELETE FROM qnet_audit_seal WHERE audit_id = :id', 'seal 3 is missing'),
        (
            "UPDATE qnet_audit_seal SET digest = 'x' WHERE audit_id = :id",
            'row {} was changed, or its seal',
        ),
        (
            "UPDATE qnet_audit SET actor = '', subject = '', detail = '{{}}', "
            'salt = NULL WHERE id = :id',
            'row {} was redacted, and no row says so',
        ),
    ],
)
def test_the_first_row_that_was_changed_or_is_missing_is_named(
    statement: str, says: str
) -> None:
    sealed(5)
    ids = [row.id for row in store().query(QNetAudit).order_by(QNetAudit.id)]
    with owner() as execute:
        execute(statement.replace('{{}}', '{}'), id=ids[2])
    wrong = seals.verify().wrong
    assert wrong is not None and wrong.startswith(says.format(ids[2]))


def test_who_writes_the_whole_chain_anew_does_not_meet_what_was_told() -> None:
    told = sealed(3)
    sealed(2)
    with owner() as execute:
        execute("UPDATE qnet_audit SET actor = 'nobody' WHERE id = 1")
        execute('DELETE FROM qnet_audit_seal')
    seals.seal()
    config.db.commit()
    assert seals.verify().wrong is None
    assert seals.verify(told).wrong is not None
    with owner() as execute:
        execute('DELETE FROM qnet_audit_seal WHERE number > 2')
        execute('DELETE FROM qnet_audit WHERE id > 2')
    assert seals.verify(told).wrong == '3 rows were sealed then, and 2 are now'


def test_what_was_redacted_is_gone_and_the_chain_holds() -> None:
    sealed(3)
    write(1)
    ids = [row.id for row in store().query(QNetAudit).order_by(QNetAudit.id)]
    # The last has no seal yet.
    assert redaction.redact(ids[1:], 'older than 18 months') == 2
    config.db.commit()
    rows = store().query(QNetAudit).order_by(QNetAudit.id).all()
    assert [row.subject for row in rows] == [READER, '', '', READER, '']
    assert rows[4].action == 'redacted'
    seals.seal()
    config.db.commit()
    found = seals.verify()
    assert (found.redacted, found.waiting, found.wrong) == (2, 0, None)
    # The triggers are there again.
    with pytest.raises(Exception, match='append-only'):
        store().execute(text("UPDATE qnet_audit SET actor = 'nobody'"))
    config.db.abort()


def test_the_order_is_that_of_the_seals_and_not_of_a_clock(clock: Clock) -> None:
    clock.moment = MOMENT
    sealed(2)
    clock.moment -= timedelta(days=400)
    sealed(2)
    assert seals.verify().wrong is None


def test_a_row_that_was_committed_late_is_sealed_late() -> None:
    with owner() as execute:
        for number in (1, 2, 4):
            execute(
                'INSERT INTO qnet_audit (id, at, actor, action, subject, detail) '
                "VALUES (:id, '2027-03-14 00:00:00', 'a', 'assigned', '', '{}')",
                id=number,
            )
    seals.seal()
    with owner() as execute:
        execute(
            'INSERT INTO qnet_audit (id, at, actor, action, subject, detail) '
            "VALUES (3, '2027-03-14 00:00:00', 'a', 'assigned', '', '{}')"
        )
    assert seals.seal() == 1
    config.db.commit()
    assert seals.verify().wrong is None


def test_a_row_waits_for_its_seal_for_so_long_and_no_longer(clock: Clock) -> None:
    clock.moment = MOMENT
    sealed(1)
    write(1)
    found = seals.verify()
    assert (found.waiting, found.wrong) == (1, None)
    clock.forward(hours=1, seconds=1)
    wrong = seals.verify().wrong
    assert wrong is not None and wrong.endswith('has no seal')


def test_the_log_is_told_where_the_chain_ends(caplog: pytest.LogCaptureFixture) -> None:
    write(2)
    with caplog.at_level(logging.INFO, 'mailman.plugins'):
        seals.log_end()
    end = seals.checkpoint()
    assert caplog.messages[-1] == (
        f'Audit log: 2 rows are sealed, the last with {end.digest}'
    )
