# SPDX-License-Identifier: GPL-3.0-or-later
"""How long `mailman qnet audit --verify` takes for a long audit log (R31).

Usage: ``python -m bench.verify_log``.

A million rows, by the clock, against a minute.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Iterator

from bench import hosts
from bench.rows import Row, show

ROWS = 1_000_000
LIMIT = 60
_AT_ONCE = 10_000


def write(count: int) -> None:
    """So many rows of masked posts, with their seals."""
    from mailman.config import config
    from mailman.utilities.datetime import now
    from sqlalchemy import insert

    from qnet_mailman.model import seals
    from qnet_mailman.model.audit import Action, QNetAudit

    detail = '{"envelope_sender": "pat@agency.example.gov", "received_id": "<%d@x>"}'
    for start in range(0, count, _AT_ONCE):
        rows = [
            {
                'at': now(),
                'actor': 'pat@agency.example.gov',
                'action': Action.post_masked.value,
                'list_id': 'bench.lists.example.gov',
                'subject': f'<{number}@lists.example.gov>',
                'detail': detail % number,
                'salt': secrets.token_hex(16),
            }
            for number in range(start, start + _AT_ONCE)
        ]
        config.db.store.execute(insert(QNetAudit.__table__), rows)
        config.db.commit()
        assert seals.seal() == _AT_ONCE
        config.db.commit()


def verify() -> None:
    """As the command does."""
    from qnet_mailman.model import seals

    found = seals.verify()
    assert (found.sealed.count, found.wrong) == (ROWS, None), found


def rows() -> Iterator[Row]:
    """Of each kind of database."""
    with hosts.databases() as kinds:
        for name, run in kinds:
            took = run('verify_log')['seconds']
            work = f'an audit log of {ROWS:,} rows verified, {name}'
            yield Row(work, 's', took, LIMIT, 'limit', 1)


def main() -> int:
    """Measure, or be one of those who are measured."""
    if len(sys.argv) == 1:
        return show(rows())
    with hosts.host('ours', sys.argv[1]):
        write(ROWS)
        began = time.perf_counter()
        verify()
        took = time.perf_counter() - began
        print(json.dumps({'cpu': hosts.cpu(), 'seconds': took}))
    return 0


if __name__ == '__main__':
    sys.exit(main())
