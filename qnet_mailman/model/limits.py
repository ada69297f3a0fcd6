# SPDX-License-Identifier: GPL-3.0-or-later
"""How often something may be asked for, counted for all processes and hosts.

A period begins at a fixed time (each hour, each day in UTC), so that a count is one
row, raised in one statement; whoever asks at the end of one period can ask again at
the beginning of the next.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from mailman.utilities.datetime import now
from sqlalchemy import DateTime, bindparam, delete, text

from qnet_mailman.model.base import store
from qnet_mailman.model.subscriptions import QNetLimit

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

_RAISE = text(
    'INSERT INTO qnet_limit (key, times, ends_at) VALUES (:key, 1, :ends_at) '
    'ON CONFLICT (key) DO UPDATE SET times = qnet_limit.times + 1 '
    'RETURNING times'
).bindparams(bindparam('ends_at', type_=DateTime))


def allowed(what: str, whom: str, limit: int, period: timedelta) -> bool:
    """Count a request, and say whether it is within the limit.

    Part of the caller's transaction: what is rolled back was not counted.

    :param what: The kind of request.
    :param whom: By or for whom: an address, of a mailbox or of a client.
    :param limit: How many are allowed in a period.
    :param period: Its length.
    """
    begin, end = _period(now(), period)
    name = '\0'.join((what, whom, begin.isoformat()))
    key = hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()
    times = store().execute(_RAISE, {'key': key, 'ends_at': end}).scalar_one()
    return times <= limit


def _period(moment: datetime, period: timedelta) -> tuple[datetime, datetime]:
    epoch = datetime(1970, 1, 1, tzinfo=moment.tzinfo)
    begin = epoch + (moment - epoch) // period * period
    return begin, begin + period


def prune(moment: datetime) -> None:
    """Remove what belongs to periods that are over.

    :param moment: In UTC, without a zone.
    """
    store().execute(delete(QNetLimit).where(QNetLimit.ends_at < moment))
