# SPDX-License-Identifier: GPL-3.0-or-later
"""How often something may be asked for, counted for all processes and hosts.

A period begins at a fixed time (each hour, each day in UTC), so that a count is one
row, raised in one statement; whoever asks at the end of one period can ask again at
the beginning of the next.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from mailman.utilities.datetime import now
from sqlalchemy import DateTime, TextClause, bindparam, delete, func, select, text

from qnet_mailman.model import counters
from qnet_mailman.model.base import store
from qnet_mailman.model.statements import chunks
from qnet_mailman.model.subscriptions import QNetLimit

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MONTH = timedelta(days=30)

_COUNT = text(
    'INSERT INTO qnet_limit (key, times, ends_at) VALUES (:key, :times, :ends_at) '
    'ON CONFLICT (key) DO UPDATE SET times = qnet_limit.times + :times'
).bindparams(bindparam('ends_at', type_=DateTime))


@functools.lru_cache(maxsize=8)
def _raise(rows: int) -> TextClause:
    """Count in so many rows, which are all of the same period."""
    values = ', '.join(f'(:key{number}, 1, :ends_at)' for number in range(rows))
    return text(
        f'INSERT INTO qnet_limit (key, times, ends_at) VALUES {values} '
        'ON CONFLICT (key) DO UPDATE SET times = qnet_limit.times + 1 '
        'RETURNING key, times'
    ).bindparams(bindparam('ends_at', type_=DateTime))


def allowed(what: str, whom: str, limit: int, period: timedelta) -> bool:
    """Count a request, and say whether it is within the limit.

    Part of the caller's transaction: what is rolled back was not counted.

    :param what: The kind of request.
    :param whom: By or for whom: an address, of a mailbox or of a client.
    :param limit: How many are allowed in a period.
    :param period: Its length.
    """
    return bool(allowed_among(what, [whom], limit, period))


def allowed_among(
    what: str, whoms: Iterable[str], limit: int, period: timedelta
) -> set[str]:
    """Count a request for each of many; for whom it is within the limit.

    As `allowed`, with one statement for hundreds of them.
    """
    begin, end = _period(now(), period)
    by_key = {_key(what, whom, begin): whom for whom in whoms}
    found: set[str] = set()
    # In one order, lest two that count the same wait for each other.
    for keys in chunks(sorted(by_key)):
        given: dict[str, Any] = {f'key{number}': key for number, key in enumerate(keys)}
        counted = store().execute(_raise(len(keys)), {**given, 'ends_at': end})
        found.update(by_key[key] for key, times in counted if times <= limit)
    if len(found) < len(by_key):
        counters.add('limits', what, times=len(by_key) - len(found))
    return found


def count(what: str, times: int = 1) -> None:
    """Count what has happened today (UTC); it is remembered for a month.

    Part of the caller's transaction.
    """
    begin, _ = _period(now(), DAY)
    key = _key(what, '', begin)
    ends_at = begin + MONTH + DAY
    store().execute(_COUNT, {'key': key, 'times': times, 'ends_at': ends_at})


def counted(what: str) -> int:
    """How often something has happened in the last month, today included."""
    begin, _ = _period(now(), DAY)
    days = [_key(what, '', begin - number * DAY) for number in range(MONTH.days)]
    query = select(func.coalesce(func.sum(QNetLimit.times), 0))
    return int(store().scalars(query.where(QNetLimit.key.in_(days))).one())


def _key(what: str, whom: str, begin: datetime) -> str:
    name = '\0'.join((what, whom, begin.isoformat()))
    return hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()


def _period(moment: datetime, period: timedelta) -> tuple[datetime, datetime]:
    epoch = datetime(1970, 1, 1, tzinfo=moment.tzinfo)
    begin = epoch + (moment - epoch) // period * period
    return begin, begin + period


def prune(moment: datetime) -> None:
    """Remove what belongs to periods that are over.

    :param moment: In UTC, without a zone.
    """
    store().execute(delete(QNetLimit).where(QNetLimit.ends_at < moment))
