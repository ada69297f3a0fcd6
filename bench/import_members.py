# SPDX-License-Identifier: GPL-3.0-or-later
"""New members a second from a CSV file, against stock's subscribing on this machine.

Usage: ``python -m bench.import_members [--stock STOCK.PY] [--members N]``, where
STOCK.PY is the script that measures an unmodified Mailman (default
``../shared/bench/stock.py``; it needs ``smtp-sink`` from Debian's package postfix).

Ours is all of ``mailman qnet import-members`` but the start of the process: from the
bytes of a ListManager export to the last commit, SQLite in a temporary folder.

Exit status: 0, also where STOCK.PY is absent; 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.fan_out import STOCK, prepare

RATIO = 50.0
"""How many times stock's rate."""
MEMORY = 500
"""Megabytes that the process may take at its height."""


def rate_of_stock(path: Path) -> float:
    """Members a second that an unmodified Mailman subscribes."""
    done = subprocess.run(
        [
            *(sys.executable, str(path), '--members', '1000', '--verp', '10'),
            *('--bounces', '1'),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f'{path} failed:\n{done.stderr or done.stdout}')
    rate: float = json.loads(done.stdout.splitlines()[-1])['subscribe']
    return rate


def export(count: int) -> bytes:
    """An export of ListManager."""
    lines = ['EmailAddr_,FullName_,MemberType_,DateJoined_']
    lines += [
        f'User{n}@ex{n % 97}.example.com,U {n},normal,2019-01-02 03:04:05'
        for n in range(count)
    ]
    return '\n'.join(lines).encode()


def seconds_of_ours(content: bytes, count: int) -> float:
    """Seconds from the file's bytes to the last commit."""
    from mailman.app.lifecycle import create_list
    from mailman.config import config
    from mailman.interfaces.domain import IDomainManager
    from zope.component import getUtility

    from qnet_mailman.forms.member_files import read_members
    from qnet_mailman.provisioning.importing import import_members, sort_out

    getUtility(IDomainManager).add('lists.example.gov')
    mlist = create_list(
        'bench@lists.example.gov', style_name='qnet-notification-public'
    )
    config.db.commit()
    started = time.perf_counter()
    found = sort_out(mlist, read_members(content, most=count))
    new = import_members(mlist, found.new)
    took = time.perf_counter() - started
    assert new == mlist.members.member_count == count
    return took


def main() -> int:
    """Print both rates and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--stock', type=Path, default=STOCK)
    parser.add_argument('--members', type=int, default=100_000)
    options = parser.parse_args()
    # Other work on the machine hits both alike: stock's rate is that around ours.
    there = options.stock.exists()
    rates = [rate_of_stock(options.stock)] if there else []
    with tempfile.TemporaryDirectory() as var:
        prepare(Path(var), 1)
        took = seconds_of_ours(export(options.members), options.members)
    ours = options.members / took
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f'ours:  {options.members} in {took:.1f} s, {ours:.0f}/s, {memory:.0f} MB')
    fits = memory < MEMORY
    if not there:
        print(f'skipped: no {options.stock}; name it with --stock')
        return 0 if fits else 1
    rates.append(rate_of_stock(options.stock))
    stock = sum(rates) / len(rates)
    print(f'stock: {stock:.1f}/s (before and after: {rates})')
    print(f'ratio: {ours / stock:.0f} (target {RATIO:.0f})')
    return 0 if fits and ours / stock >= RATIO else 1


if __name__ == '__main__':
    sys.exit(main())
