# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies a second, against stock Mailman and bare SMTP on this machine (R15).

Usage: ``python -m bench.fan_out [--stock STOCK.PY] [--members N]``, where STOCK.PY is
the script that measures an unmodified Mailman (default ``../shared/bench/stock.py``).
Needs ``smtp-sink`` from Debian's package postfix, to which all three deliver.

Ours and stock's: one post of 8 KB to members of one list, a copy each with its own
envelope sender; ours with a token and a footer in each.  Bare: as many messages of
that size with Python's ``smtplib``, one at a time on one connection.
"""

from __future__ import annotations

import argparse
import email
import importlib.util
import json
import logging
import smtplib
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from qnet_mailman.demo.configuration import merge

ROOT = Path(__file__).resolve().parents[1]
STOCK = ROOT.parent / 'shared/bench/stock.py'


def rate_of_stock(path: Path) -> float:
    """Copies a second of an unmodified Mailman."""
    done = subprocess.run(
        [
            *(sys.executable, str(path), '--members', '400', '--verp', '400'),
            *('--bounces', '1'),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    rate: float = json.loads(done.stdout)['deliver_verp']
    return rate


def rate_of_smtplib(port: int, count: int, message: bytes) -> float:
    """Messages a second that Python's client hands over."""
    client = smtplib.SMTP('127.0.0.1', port)
    started = time.perf_counter()
    for number in range(count):
        client.sendmail('a@example.gov', [f'user{number}@example.net'], message)
    rate = count / (time.perf_counter() - started)
    client.quit()
    return rate


def prepare(var: Path, port: int) -> None:
    """Start Mailman in this process, with our plugin, on SQLite."""
    text = merge(
        (ROOT / 'etc/mailman.cfg').read_text('utf-8'),
        {
            'mailman': {
                'site_owner': 'postmaster@mailer.example.org',
                'layout': 'here',
            },
            'paths.here': {'var_dir': str(var)},
            'mta': {
                'incoming': 'mailman.mta.null.NullMTA',
                'smtp_host': '127.0.0.1',
                'smtp_port': str(port),
                'lmtp_port': '0',
            },
        },
    )
    (var / 'mailman.cfg').write_text(text, 'utf-8')
    (var / 'qnet.cfg').write_text(
        '[qnet]\ndomain = lists.example.gov\nsupport_address = help@example.gov\n'
        'web_url = https://lists.example.gov\n',
        'utf-8',
    )
    from mailman.core.initialize import initialize

    initialize(str(var / 'mailman.cfg'))
    logging.disable(logging.CRITICAL)


def rate_of_ours(count: int, message: bytes) -> float:
    """Copies a second, from the out queue to the mail server."""
    from mailman.app.lifecycle import create_list
    from mailman.config import config
    from mailman.email.message import Message
    from mailman.interfaces.domain import IDomainManager
    from mailman.interfaces.member import MemberRole
    from mailman.model.address import Address
    from mailman.model.member import Member
    from sqlalchemy import insert
    from zope.component import getUtility

    from qnet_mailman.runners.outgoing import OutgoingRunner

    getUtility(IDomainManager).add('lists.example.gov')
    mlist = create_list(
        'bench@lists.example.gov', style_name='qnet-notification-public'
    )
    emails = {n: f'user{n}@ex{n % 97}.example.com' for n in range(1, count + 1)}
    rows: list[dict[str, Any]] = [{'id': n, 'email': e} for n, e in emails.items()]
    config.db.store.execute(insert(Address.__table__), rows)
    config.db.store.execute(
        insert(Member.__table__),
        [
            {
                'list_id': mlist.list_id,
                'role': MemberRole.member,
                'address_id': n,
                '_member_id': uuid4(),
            }
            for n in emails
        ],
    )
    config.db.commit()
    msg = email.message_from_bytes(message, Message)
    config.switchboards['out'].enqueue(
        msg, listid=mlist.list_id, recipients=set(emails.values()), to_list=True
    )
    runner = OutgoingRunner('out')
    started = time.perf_counter()
    while runner._one_iteration():
        pass
    assert not config.switchboards['retry'].files
    return count / (time.perf_counter() - started)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--stock', type=Path, default=STOCK)
    parser.add_argument('--members', type=int, default=5000)
    arguments = parser.parse_args()
    if not arguments.stock.exists():
        print(f'{arguments.stock}: not there, nothing measured')
        return 0
    spec = importlib.util.spec_from_file_location('stock', arguments.stock)
    assert spec is not None and spec.loader is not None
    stock = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stock)
    message = stock.POST.encode()
    of_stock = rate_of_stock(arguments.stock)
    port = stock.free_port()
    with tempfile.TemporaryDirectory() as var, stock.smtp_sink(port):
        bare = rate_of_smtplib(port, arguments.members, message)
        prepare(Path(var), port)
        ours = rate_of_ours(arguments.members, message)
    print(f'stock Mailman   {of_stock:7.0f} copies/s')
    print(f'ours            {ours:7.0f} copies/s, {ours / of_stock:.0f} times stock')
    print(f'smtplib alone   {bare:7.0f} messages/s, ours is {ours / bare:.0%} of it')
    return 0


if __name__ == '__main__':
    sys.exit(main())
