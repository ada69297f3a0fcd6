# SPDX-License-Identifier: GPL-3.0-or-later
"""One host with bounces to work off, in a process of its own: see `bench.bounces`.

Usage: ``python -m bench.bounce_host VAR STOCK.PY WHAT``, where WHAT is
``measure REPORTS``, ``fill REPORTS DAYS`` or ``slice NUMBER``.
"""

from __future__ import annotations

import email
import importlib.util
import json
import logging
import os
import statistics
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
STORED = 1_000_000
"""Rows of a ledger that is full."""
DISABLED = 10_000
ROUNDS = 3
"""How often each rate is measured; the median counts."""
MEMBERS = 1000
LIST = 'bench@mailer.example.org'

LOCAL = {
    '[mailman]': 'site_owner: postmaster@mailer.example.org\nlayout: here\n',
    '[mta]': 'incoming: mailman.mta.null.NullMTA\nsmtp_port: 1\nlmtp_port: 0\n',
}


def text_of_reports(path: Path) -> str:
    """The report that stock is measured with, a template of `i` and `j`."""
    spec = importlib.util.spec_from_file_location('stock', path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return str(module.DSN)


def configure(var: Path, url: str, slices: int = 1) -> None:
    """Write the configuration of a host.

    :param url: Of its database; empty for SQLite in `var`.
    """
    text = (ROOT / 'etc/mailman.cfg').read_text(encoding='utf-8')
    for section, lines in LOCAL.items():
        text = text.replace(section + '\n', f'{section}\n{lines}', 1)
    text = text.replace(
        '[runner.bounces]\n', f'[runner.bounces]\ninstances: {slices}\n', 1
    )
    text += f'\n[paths.here]\nvar_dir: {var}\n'
    if url:
        text += (
            '[database]\nclass: mailman.database.postgresql.PostgreSQLDatabase\n'
            f'url: {url}\n'
        )
    (var / 'mailman.cfg').write_text(text, encoding='utf-8')
    (var / 'qnet.cfg').write_text(
        '[qnet]\ndomain = mailer.example.org\nsupport_address = help@example.org\n'
        'poster_authentication = off\n'
    )


class Host:
    """A host with a list of 1,000 members, each of whom bounces once a day."""

    def __init__(self, var: Path, template: str, slice: int | None = None) -> None:
        from mailman.core.initialize import initialize

        initialize(str(var / 'mailman.cfg'))
        logging.disable(logging.CRITICAL)
        from mailman.config import config
        from mailman.interfaces.listmanager import IListManager
        from zope.component import getUtility

        from qnet_mailman.runners import bounce

        self._template = template
        self._now = datetime(2026, 3, 2, 12)
        self._config: Any = config
        bounce.now = lambda: self._now
        self._mlist: Any = getUtility(IListManager).get(LIST) or self._make_list()
        self._runner = bounce.BounceRunner('bounces', slice)
        # What is done once an hour or a day, is done.
        self._runner._do_periodic()

    def close(self) -> None:
        self._config.db.store.close()
        self._config.db.engine.dispose()

    def _make_list(self) -> Any:
        from mailman.app.lifecycle import create_list
        from mailman.interfaces.domain import IDomainManager
        from mailman.interfaces.member import MemberRole
        from mailman.interfaces.usermanager import IUserManager
        from mailman.utilities.datetime import now
        from zope.component import getUtility

        getUtility(IDomainManager).add('mailer.example.org')
        mlist = create_list(LIST)
        mlist.send_welcome_message = False
        users = getUtility(IUserManager)
        for i in range(MEMBERS):
            user = users.make_user(f'user{i}@ex{i % 97}.example.com', f'U {i}')
            address = next(iter(user.addresses))
            address.verified_on = now()
            mlist.subscribe(address, MemberRole.member)
        self._config.db.commit()
        return mlist

    # ---------------------------------------------------------------- reports

    def _report(self, i: int) -> Any:
        from mailman.email.message import Message

        text = self._template.format(i=i % MEMBERS, j=i % MEMBERS % 97)
        return email.message_from_string(text, Message)

    def _data(self, i: int) -> dict[str, Any]:
        """What LMTP notes: when it came, and to which envelope sender of ours."""
        from qnet_mailman.bounces.whose import RECIPIENT

        return {'received_time': self._now, RECIPIENT: self._senders[i % MEMBERS]}

    def _post(self) -> list[str]:
        """The envelope senders of today's post, one for each member."""
        from email.message import Message

        from qnet_mailman.mta.copies import Copies

        msg = Message()
        msg['Message-ID'] = f'<{self._now:%Y%m%d}@mailer.example.org>'
        names = [f'user{i}@ex{i % 97}.example.com' for i in range(MEMBERS)]
        copies = Copies(self._mlist, msg, {'recipients': names})
        found = copies.memberships(names)
        return [copies.sender_for(found[name]) for name in names]

    def tomorrow(self, days: int = 8) -> None:
        """Go on to a day on which nobody has a score any more."""
        self._now += timedelta(days=days)
        self._senders = self._post()
        self._runner._do_periodic()
        self._config.db.commit()

    def fill(self, reports: int) -> None:
        """Put reports into the queue."""
        queue = self._config.switchboards['bounces']
        for i in range(reports):
            queue.enqueue(self._report(i), self._data(i), listid=self._mlist.list_id)

    def work(self) -> int:
        """The runner's own loop, until its part of the queue is empty."""
        done = 0
        while number := self._runner._one_iteration():
            done += number
        return done

    # --------------------------------------------------------------- measures

    def through_the_runner(self, reports: int) -> float:
        """Reports a second of the runner's loop: from queue files to commits."""
        self.tomorrow()
        self.fill(reports)
        before = self.rows()
        start = time.perf_counter()
        self.work()
        spent = time.perf_counter() - start
        assert self.rows() - before == reports, 'reports were not scored'
        return reports / spent

    def without_queue_files(self, reports: int) -> float:
        """Reports a second in the runner's batches, without queue files: as stock's."""
        from qnet_mailman.bounces.receiving import receive_all
        from qnet_mailman.bounces.whose import Place
        from qnet_mailman.runners.bounce import BATCH, _arrival

        self.tomorrow()
        before = self.rows()
        start = time.perf_counter()
        for begin in range(0, reports, BATCH):
            place = Place.of(self._mlist)
            numbers = range(begin, min(begin + BATCH, reports))
            receive_all(
                [_arrival(place, self._report(i), self._data(i)) for i in numbers],
                now=self._now,
            )
            self._config.db.commit()
        spent = time.perf_counter() - start
        assert self.rows() - before == reports, 'reports were not scored'
        return reports / spent

    def one_by_one(self, reports: int) -> tuple[float, int]:
        """Reports a second with a commit for each, and the most statements of one."""
        self.tomorrow()
        most = 0
        messages = [self._report(i) for i in range(reports)]
        start = time.perf_counter()
        for number, msg in enumerate(messages):
            with self.counting() as seen:
                self._runner._dispose(self._mlist, msg, self._data(number))
            most = max(most, len(seen))
            self._config.db.commit()
        return reports / (time.perf_counter() - start), most

    def statements_of_a_batch(self) -> int:
        """SQL statements for a hundred reports, from their queue files on."""
        self.tomorrow()
        self.fill(100)
        # Which is done once for a batch, whatever is in it.
        self._runner._do_periodic = lambda: None
        with self.counting() as seen:
            self._runner._one_iteration()
        del self._runner._do_periodic
        return len(seen)

    def counting(self) -> Any:
        from contextlib import contextmanager

        from sqlalchemy import event

        engine = self._config.db.engine

        @contextmanager
        def count() -> Iterator[list[str]]:
            seen: list[str] = []

            def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
                seen.append(statement)

            event.listen(engine, 'before_cursor_execute', note)
            try:
                yield seen
            finally:
                event.remove(engine, 'before_cursor_execute', note)

        return count()

    def rows(self) -> int:
        from sqlalchemy import func, select

        from qnet_mailman.bounces.ledger import bounces

        found: int = self._config.db.store.scalar(
            select(func.count()).select_from(bounces)
        )
        return found

    def fill_ledger(self) -> None:
        """Store bounces of other members, of the last hundred days."""
        from sqlalchemy import text

        from qnet_mailman.bounces.ledger import bounces
        from qnet_mailman.model.statements import BATCH, insert_rows

        today = self._now.date()
        row = {
            'list_id': self._mlist.list_id,
            'email': 'somebody@example.net',
            'half_points': 2,
            'state': 'counted',
            'kind': 'hard',
            'reason': 'address unknown',
            'evidence': '550 5.1.1 no such user',
            'received_at': self._now,
        }
        for number in range(0, STORED, BATCH):
            insert_rows(
                bounces,
                [
                    {
                        **row,
                        'member_id': str(uuid.uuid4()),
                        'domain': f'ex{i % 97}.example.com',
                        'provider': f'ex{i % 97}.example.com',
                        'day': today - timedelta(days=i % 100),
                        'post': f'{i % 100:08x}',
                    }
                    for i in range(number, number + BATCH)
                ],
            )
        self._config.db.commit()
        # What a database does by itself after that many rows is done, too.
        engine = self._config.db.engine
        with engine.connect() as connection:
            alone = connection.execution_options(isolation_level='AUTOCOMMIT')
            alone.execute(text('VACUUM'))
            alone.execute(text('ANALYZE'))
            if engine.dialect.name == 'postgresql':
                alone.execute(text('CHECKPOINT'))

    def periodic(self) -> float:
        """Seconds of the runner's periodic work, with nothing due but its look."""
        self._now += timedelta(hours=2)
        start = time.perf_counter()
        self._runner._do_periodic()
        self._config.db.commit()
        return time.perf_counter() - start

    def disable_members(self) -> None:
        """Add members whose delivery bounces have disabled."""
        from mailman.interfaces.member import DeliveryStatus, MemberRole
        from mailman.model.address import Address
        from mailman.model.member import Member
        from mailman.model.preferences import Preferences
        from sqlalchemy import insert

        from qnet_mailman.model.bounces import QNetSuspension

        base = 10_000_000
        ids = list(enumerate((uuid.uuid4() for _ in range(DISABLED)), base))
        rows: dict[Any, list[dict[str, Any]]] = {
            Preferences.__table__: [
                {'id': i, 'delivery_status': DeliveryStatus.by_bounces} for i, _ in ids
            ],
            Address.__table__: [
                {'id': i, 'email': f'gone{i}@example.net', 'display_name': ''}
                for i, _ in ids
            ],
            Member.__table__: [
                {
                    'id': i,
                    '_member_id': member_id,
                    'role': MemberRole.member,
                    'list_id': self._mlist.list_id,
                    'address_id': i,
                    'preferences_id': i,
                    'bounce_score': 5,
                }
                for i, member_id in ids
            ],
            QNetSuspension.__table__: [
                {
                    'member_id': str(member_id),
                    'list_id': self._mlist.list_id,
                    'email': f'gone{i}@example.net',
                    'disabled_at': self._now,
                    'warnings': 1,
                    'next_step_at': self._now + timedelta(days=7),
                }
                for i, member_id in ids
            ],
        }
        for table, values in rows.items():
            self._config.db.store.execute(insert(table), values)
        self._config.db.commit()


def measure(host: Host, reports: int) -> dict[str, Any]:
    """All rates of one host, and what else has a target."""
    host.through_the_runner(100)
    alike, runner = [], []
    for _ in range(ROUNDS):
        alike.append(host.without_queue_files(reports))
        runner.append(host.through_the_runner(reports))
    single, most = host.one_by_one(min(reports, 300))
    figures = {
        'alike': statistics.median(alike),
        'runner': statistics.median(runner),
        'single': single,
        'statements': most,
        'batch': host.statements_of_a_batch(),
    }
    host.fill_ledger()
    host.through_the_runner(100)
    full = [host.through_the_runner(reports) for _ in range(ROUNDS)]
    host.periodic()
    before = host.periodic()
    host.disable_members()
    later = max(host.periodic(), host.periodic())
    return {**figures, 'full': statistics.median(full), 'slower': later - before}


def work_slice(host: Host, var: Path) -> dict[str, float]:
    """Work at one slice once all are there; seconds of CPU and of the clock."""
    (var / f'ready.{os.getpid()}').touch()
    while not (var / 'go').exists():
        time.sleep(0.01)
    start, used = time.perf_counter(), time.process_time()
    done = host.work()
    return {
        'reports': done,
        'seconds': time.perf_counter() - start,
        'cpu': time.process_time() - used,
    }


def main(var: Path, stock: Path, what: str, *rest: str) -> dict[str, Any]:
    template = text_of_reports(stock)
    if what == 'slice':
        host = Host(var, template, int(rest[0]))
        figures: dict[str, Any] = dict(work_slice(host, var))
    elif what == 'fill':
        host = Host(var, template, 0)
        host.tomorrow(int(rest[1]))
        host.fill(int(rest[0]))
        figures = {}
    else:
        host = Host(var, template)
        figures = measure(host, int(rest[0]))
    host.close()
    return figures


if __name__ == '__main__':
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])))
