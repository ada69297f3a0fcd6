# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong while something is changed: both are there, it and its row (R31)."""

from __future__ import annotations

import json
import os
import resource
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from sqlalchemy import event, select
from sqlalchemy.orm import Session
from zope.component import getUtility

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.model import seals
from qnet_mailman.model.audit import Action, QNetAudit, record, recorded_as
from qnet_mailman.model.base import store
from tests.clock import Clock
from tests.conftest import ON_POSTGRESQL
from tests.killed import in_a_process

PAGE = 4096 + 24
"""Bytes that SQLite appends to its journal for a page."""
MOST = 400
"""Tries after which a test has gone wrong."""


def of_list() -> Any:
    [mlist] = getUtility(IListManager).mailing_lists
    return mlist


def describe(*texts: str) -> None:
    """Change a list's description, each time in a transaction of its own."""
    for text in texts:
        of_list().description = text
        config.db.commit()


def recorded() -> list[str]:
    """What a list's description became, by the audit log."""
    query = select(QNetAudit.detail).where(QNetAudit.subject == 'description')
    rows = store().scalars(query.order_by(QNetAudit.id)).all()
    return [json.loads(detail)['new'] for detail in rows]


def end_at(point: int) -> Callable[..., None]:
    """What ends this process, as kill -9 does, when it is called so often."""
    calls = iter(range(point))

    def end(*_: object) -> None:
        if next(calls, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    return end


@pytest.mark.usefixtures('mlist')
def test_killed_anywhere_there_is_a_row_for_what_was_committed() -> None:
    ends = set()
    for point in range(MOST):
        before, was = recorded(), of_list().description
        texts = [f'{point}, {turn}' for turn in range(2)]

        def work(point: int = point, texts: list[str] = texts) -> None:
            end = end_at(point)
            for name in ('before_cursor_execute', 'commit'):
                event.listen(config.db.engine, name, end)
            event.listen(Session, 'after_commit', end)
            describe(*texts)

        status = in_a_process(work)
        told = recorded()[len(before) :]
        assert told == texts[: len(told)]
        assert of_list().description == [was, *told][-1]
        config.db.abort()
        ends.add(len(told))
        if status == 0:
            break
        assert status == -signal.SIGKILL
    else:
        pytest.fail('it never came to its end')
    assert ends == {0, 1, 2}


@pytest.mark.skipif(ON_POSTGRESQL, reason='the disk is that of another process')
@pytest.mark.usefixtures('mlist')
def test_on_a_full_disk_there_is_neither_the_change_nor_its_row() -> None:
    path = Path(config.db.engine.url.database)
    journal = path.with_name(f'{path.name}-wal')
    statuses = []
    config.db.commit()
    # Who reads keeps the journal, which would otherwise begin anew.
    with closing(sqlite3.connect(path)) as reader:
        reader.execute('SELECT count(*) FROM qnet_audit').fetchone()
        for pages in range(MOST):
            before, was = recorded(), of_list().description
            limit = journal.stat().st_size + pages * PAGE

            def work(limit: int = limit, text: str = str(pages)) -> None:
                size, unlimited = resource.RLIMIT_FSIZE, resource.RLIM_INFINITY
                resource.setrlimit(size, (limit, unlimited))
                try:
                    describe(text)
                finally:
                    # Messages about it may be in a longer file.
                    resource.setrlimit(size, (unlimited, unlimited))

            statuses.append(in_a_process(work))
            told = recorded()[len(before) :]
            assert told == ([] if statuses[-1] else [str(pages)])
            assert of_list().description == [was, *told][-1]
            config.db.abort()
            if statuses[-1] == 0:
                break
    assert statuses[0] == 7 and statuses[-1] == 0
    describe('There is space again')
    assert recorded()[-1] == 'There is space again'


@pytest.mark.usefixtures('mlist')
def test_who_acts_may_be_called_anything() -> None:
    for actor in ('harp:\0\x1b[31m\r\nroot\u202e', 'x' * 10_000, '\udcff', ' '):
        with recorded_as(actor):
            of_list().description += '.'
        config.db.commit()
    assert recorded() == ['.', '..', '...', '....']
    actors = select(QNetAudit.actor).where(QNetAudit.subject == 'description')
    assert max(map(len, store().scalars(actors))) == 320
    config.db.commit()
    said = CliRunner().invoke(qnet, ['audit']).output
    about = [line for line in said.splitlines() if 'description' in line]
    assert len(about) == 4
    assert not any(letter in said for letter in '\0\x1b\r\u202e')
    seals.seal()
    config.db.commit()
    assert seals.verify().wrong is None


def test_the_log_is_read_in_its_order_when_a_clock_jumps_back(
    core: object, clock: Clock
) -> None:
    for subject, days in (('1', 3), ('2', -400), ('3', 1)):
        clock.forward(days=days)
        record(Action.key_made, subject=subject)
        config.db.commit()
    said = CliRunner().invoke(qnet, ['audit', '--jsonl']).output
    assert [json.loads(line)['subject'] for line in said.splitlines()] == list('123')
