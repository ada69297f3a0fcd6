# SPDX-License-Identifier: GPL-3.0-or-later
"""Receiving and scoring bounces, against stock Mailman on this machine (R16-R18).

Usage: ``python -m bench.bounces [--stock STOCK.PY] [--reports N]``, where STOCK.PY is
the script that measures an unmodified Mailman (default ``../shared/bench/stock.py``; it
needs ``smtp-sink`` from Debian's package postfix).

Stock receives a report and processes the event later; its rate is that of both
together, without reading and removing queue files.  Ours is measured alike for the
target, and again as the bounce runner's own loop over queue files.  The same reports,
SQLite in a temporary folder for both.

Exit status: 0, also where STOCK.PY is absent; 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import email
import importlib.util
import json
import logging
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
STOCK = ROOT.parent / 'shared/bench/stock.py'

RATIO = 15.0
"""How many times stock's rate, measured alike: from the message to the commit."""
STATEMENTS = 8
"""For a report by itself; a batch reads the list's row and the key once."""
STORED = 100_000
DISABLED = 10_000
PERIODIC = 2.0
"""Seconds by which the disabled members may slow the periodic work."""
SLOWER = 0.75
"""Of the rate with an empty ledger that must be left with a full one."""

LOCAL = {
    '[mailman]': 'site_owner: postmaster@mailer.example.org\nlayout: here\n',
    '[mta]': 'incoming: mailman.mta.null.NullMTA\nsmtp_port: 1\nlmtp_port: 0\n',
}


def rate_of_stock(path: Path, reports: int) -> float:
    """Reports a second that an unmodified Mailman receives and processes."""
    done = subprocess.run(
        [
            *(sys.executable, str(path), '--members', '1000', '--verp', '10'),
            *('--bounces', str(reports)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f'{path} failed:\n{done.stderr or done.stdout}')
    rates = json.loads(done.stdout.splitlines()[-1])
    print(
        f'stock: receive {rates["bounce_receive"]}/s, '
        f'process {rates["bounce_process"]}/s'
    )
    return 1 / (1 / rates['bounce_receive'] + 1 / rates['bounce_process'])


def text_of_reports(path: Path) -> str:
    """The report that stock is measured with, a template of `i` and `j`."""
    spec = importlib.util.spec_from_file_location('stock', path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.DSN


class Bench:
    """Our side, on a database of its own."""

    def __init__(self, var: Path, template: str) -> None:
        self._template = template
        self._now = datetime(2026, 3, 2, 12)
        text = (ROOT / 'etc/mailman.cfg').read_text(encoding='utf-8')
        for section, lines in LOCAL.items():
            text = text.replace(section + '\n', f'{section}\n{lines}', 1)
        (var / 'mailman.cfg').write_text(
            f'{text}\n[paths.here]\nvar_dir: {var}\n', encoding='utf-8'
        )
        (var / 'qnet.cfg').write_text(
            '[qnet]\ndomain = mailer.example.org\nsupport_address = help@example.org\n'
        )
        from mailman.core.initialize import initialize

        initialize(str(var / 'mailman.cfg'))
        logging.disable(logging.CRITICAL)
        from mailman.config import config

        from qnet_mailman.runners import bounce

        self._config: Any = config
        bounce.now = lambda: self._now
        self._mlist = self._make_list()
        self._runner = bounce.BounceRunner('bounces')
        # What is done once an hour or a day, is done.
        self._runner._do_periodic()

    def _make_list(self) -> Any:
        from mailman.app.lifecycle import create_list
        from mailman.interfaces.domain import IDomainManager
        from mailman.interfaces.member import MemberRole
        from mailman.interfaces.usermanager import IUserManager
        from mailman.utilities.datetime import now
        from zope.component import getUtility

        getUtility(IDomainManager).add('mailer.example.org')
        mlist = create_list('bench@mailer.example.org')
        mlist.send_welcome_message = False
        users = getUtility(IUserManager)
        for i in range(1000):
            user = users.make_user(f'user{i}@ex{i % 97}.example.com', f'U {i}')
            address = next(iter(user.addresses))
            address.verified_on = now()
            mlist.subscribe(address, MemberRole.member)
        self._config.db.commit()
        return mlist

    def _report(self, i: int) -> Any:
        from mailman.email.message import Message

        text = self._template.format(i=i % 1000, j=i % 1000 % 97)
        return email.message_from_string(text, Message)

    def _data(self, i: int) -> dict[str, Any]:
        """What LMTP notes: when it came, and to which envelope sender of ours."""
        from qnet_mailman.bounces.receiving import RECIPIENT

        return {'received_time': self._now, RECIPIENT: self._senders[i % 1000]}

    def _post(self) -> list[str]:
        """The envelope senders of today's post, one for each member."""
        from email.message import Message

        from qnet_mailman.mta.copies import Copies

        msg = Message()
        msg['Message-ID'] = f'<{self._now:%Y%m%d}@mailer.example.org>'
        names = [f'user{i}@ex{i % 97}.example.com' for i in range(1000)]
        copies = Copies(self._mlist, msg, {'recipients': names})
        found = copies.memberships(names)
        return [copies.sender_for(found[name]) for name in names]

    def _tomorrow(self) -> None:
        self._now += timedelta(days=8)
        self._senders = self._post()
        self._runner._do_periodic()
        self._config.db.commit()

    def through_the_runner(self, reports: int) -> float:
        """Reports a second of the runner's loop: from queue files to commits."""
        self._tomorrow()
        queue = self._config.switchboards['bounces']
        for i in range(reports):
            queue.enqueue(self._report(i), self._data(i), listid=self._mlist.list_id)
        before = self._rows()
        start = time.perf_counter()
        while self._runner._one_iteration():
            pass
        spent = time.perf_counter() - start
        assert self._rows() - before == reports, 'reports were not scored'
        return reports / spent

    def one_by_one(self, reports: int) -> tuple[float, int]:
        """Reports a second with a commit for each, and the most statements of one."""
        from sqlalchemy import event

        self._tomorrow()
        seen = [0]
        most = 0

        def note(*args: Any) -> None:
            seen[0] += 1

        messages = [self._report(i) for i in range(reports)]
        event.listen(self._config.db.engine, 'before_cursor_execute', note)
        start = time.perf_counter()
        for number, msg in enumerate(messages):
            seen[0] = 0
            self._runner._dispose(self._mlist, msg, self._data(number))
            most = max(most, seen[0])
            self._config.db.commit()
        spent = time.perf_counter() - start
        event.remove(self._config.db.engine, 'before_cursor_execute', note)
        return reports / spent, most

    def without_queue_files(self, reports: int) -> float:
        """Reports a second in the runner's batches, without queue files: as stock's."""
        from qnet_mailman.bounces.whose import Place
        from qnet_mailman.model.return_addresses import Verifier
        from qnet_mailman.runners.bounce import BATCH

        self._tomorrow()
        start = time.perf_counter()
        for begin in range(0, reports, BATCH):
            place, verifier = Place.of(self._mlist), Verifier()
            for i in range(begin, min(begin + BATCH, reports)):
                self._runner._receive(place, self._report(i), self._data(i), verifier)
            self._config.db.commit()
        return reports / (time.perf_counter() - start)

    def _rows(self) -> int:
        from sqlalchemy import func, select

        from qnet_mailman.bounces.ledger import bounces

        return self._config.db.store.scalar(select(func.count()).select_from(bounces))

    def fill_ledger(self) -> None:
        """Store bounces of other members, of the last hundred days."""
        from qnet_mailman.bounces.ledger import bounces

        today: date = self._now.date()
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
        for day in range(100):
            self._config.db.store.execute(
                bounces.insert(),
                [
                    {
                        **row,
                        'member_id': str(uuid.uuid4()),
                        'domain': f'ex{i % 97}.example.com',
                        'day': today - timedelta(days=day),
                    }
                    for i in range(STORED // 100)
                ],
            )
        self._config.db.commit()

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
        from sqlalchemy import func, insert, select

        from qnet_mailman.model.bounces import QNetSuspension

        store = self._config.db.store

        def free(table: Any) -> int:
            return (store.scalar(select(func.max(table.id))) or 0) + 1

        member, address, preferences = free(Member), free(Address), free(Preferences)
        ids = [uuid.uuid4() for _ in range(DISABLED)]
        enumerated = list(enumerate(ids))
        store.execute(
            insert(Preferences.__table__),
            [
                {
                    'id': preferences + i,
                    'delivery_status': DeliveryStatus.by_bounces,
                }
                for i, _ in enumerated
            ],
        )
        store.execute(
            insert(Address.__table__),
            [
                {'id': address + i, 'email': f'gone{i}@example.net', 'display_name': ''}
                for i, _ in enumerated
            ],
        )
        store.execute(
            insert(Member.__table__),
            [
                {
                    'id': member + i,
                    '_member_id': member_id,
                    'role': MemberRole.member,
                    'list_id': self._mlist.list_id,
                    'address_id': address + i,
                    'preferences_id': preferences + i,
                    'bounce_score': 5,
                }
                for i, member_id in enumerated
            ],
        )
        store.execute(
            insert(QNetSuspension),
            [
                {
                    'member_id': str(member_id),
                    'list_id': self._mlist.list_id,
                    'email': f'gone{i}@example.net',
                    'disabled_at': self._now,
                    'warnings': 1,
                    'next_step_at': self._now + timedelta(days=7),
                }
                for i, member_id in enumerated
            ],
        )
        self._config.db.commit()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description='Receive and score bounces.')
    parser.add_argument('--stock', type=Path, default=STOCK)
    parser.add_argument('--reports', type=int, default=300, help='at most 1000')
    options = parser.parse_args(arguments)
    if not options.stock.is_file():
        print(f'skipped: no {options.stock}; name it with --stock')
        return 0
    theirs = rate_of_stock(options.stock, options.reports)
    print(f'stock: both together {theirs:.1f} reports/s')
    with tempfile.TemporaryDirectory() as var:
        bench = Bench(Path(var), text_of_reports(options.stock))
        bench.through_the_runner(50)
        bare = bench.without_queue_files(options.reports)
        print(
            f'ours: without queue files, as stock is measured, {bare:.1f} reports/s: '
            f'ratio {bare / theirs:.1f} (target {RATIO:g})'
        )
        ours = bench.through_the_runner(options.reports)
        print(
            'ours: through the runner, queue files included, '
            f'{ours:.1f} reports/s: ratio {ours / theirs:.1f}'
        )
        single, most = bench.one_by_one(options.reports)
        print(
            f'ours: a commit for each report {single:.1f} reports/s: '
            f'ratio {single / theirs:.1f}'
        )
        print(f'SQL statements for a report: at most {most} (target {STATEMENTS})')
        bench.fill_ledger()
        full = bench.through_the_runner(options.reports)
        print(
            f'with {STORED} stored rows: {full:.1f} reports/s, {full / ours:.2f} of it'
        )
        bench.periodic()
        before = bench.periodic()
        bench.disable_members()
        first = bench.periodic()
        after = bench.periodic()
        slower = max(first, after) - before
        print(
            f'periodic work: {before:.3f} s; with {DISABLED} disabled members '
            f'{first:.3f} s, then {after:.3f} s: {slower:.3f} s more '
            f'(target {PERIODIC:g})'
        )
        from mailman.config import config

        config.db.store.close()
        config.db.engine.dispose()
    met = (
        bare / theirs >= RATIO
        and most <= STATEMENTS
        and full / ours >= SLOWER
        and slower <= PERIODIC
    )
    print('targets met' if met else 'targets missed')
    return 0 if met else 1


if __name__ == '__main__':
    sys.exit(main())
