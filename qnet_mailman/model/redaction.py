# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking away what tells of a person in old rows of the audit log (R31).

It is a row of the log itself, and needs the role that owns the log's tables
(`model/log_owner.py`).  What is under a hold stays (`model/holds.py`).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from mailman.config import config
from sqlalchemy import ColumnElement, Select, and_, or_, select, text, update
from sqlalchemy.exc import OperationalError

from qnet_mailman.model import holds, log_owner
from qnet_mailman.model.audit import Action, QNetAudit, record
from qnet_mailman.model.base import store
from qnet_mailman.model.seals import QNetAuditSeal
from qnet_mailman.model.statements import BATCH

OF_STRANGERS = (
    *(Action.post_masked, Action.post_confirmed, Action.post_disputed),
    *(Action.joining_refused, Action.request_received),
)
"""What has the address of a post's sender, or of whoever asked for something."""
OF_MEMBERS = (
    *(Action.joining_approved, Action.member_added, Action.member_removed),
    *(Action.member_changed, Action.person_changed, Action.person_removed),
    Action.delivery_enabled,
)
"""What has the address of a member, and goes where the person wants that."""
LATE = timedelta(days=14)
"""After which what is still there is overdue."""

_rows: Any = QNetAudit.__table__
_IS_WHOLE = or_(_rows.c.salt.is_not(None), _rows.c.actor != '')
# Who looks after what stays on record.
_OF_POWER = or_(
    *(_rows.c.detail.contains(f'"{each}"') for each in ('role', 'is_server_owner'))
)
_NO_UPDATE = 'qnet_audit_no_update'
_LOCK_WAIT = '2s'
"""PostgreSQL's: those who want to add to the log wait behind whoever waits for it."""
_LOCK_NOT_AVAILABLE = '55P03'

log = logging.getLogger('mailman.plugins')


def due(before: datetime, last: int = 0) -> list[int]:
    """The ids of rows that are to be redacted by rule: at most `BATCH`, in order.

    :param before: What is older, in UTC; without a zone.
    :param last: Only ids after this one.
    """
    query = _redactable(_rows.c.action.in_(_values(OF_STRANGERS)), last)
    return [
        row.id for row in store().execute(query.where(_rows.c.at < before).limit(BATCH))
    ]


def of_person(person: str, last: int = 0) -> list[int]:
    """The ids of rows that somebody may want redacted: at most `BATCH`, in order.

    :param person: Their address.
    :param last: Only ids after this one.
    """
    kind = or_(
        _rows.c.action.in_(_values(OF_STRANGERS)),
        and_(_rows.c.action.in_(_values(OF_MEMBERS)), ~_OF_POWER),
    )
    found = store().execute(_redactable(kind, last).where(holds.mentions(person)))
    # Not those of whom the address is a part of theirs.
    whole = re.compile(
        rf'(?<![^\s<>,;:"()]){re.escape(person)}(?![\w-]|\.\w)', re.IGNORECASE
    )
    return [
        row.id
        for row in found
        if whole.search('\n'.join((row.actor, row.subject, row.detail)))
    ][:BATCH]


def _values(actions: Iterable[Action]) -> list[str]:
    return [each.value for each in actions]


def _redactable(kind: ColumnElement[bool], last: int) -> Select[Any]:
    which = (_rows.c.id > last, kind, _IS_WHOLE, ~holds.is_held())
    return select(_rows).where(*which).order_by(_rows.c.id)


def redact_due(before: datetime) -> int:
    """Redact by rule.  Commits.

    Where the service's role can only add to the log, nothing happens: `qnet check` says
    what is overdue.

    :param before: What is older, in UTC; without a zone.
    :return: How many rows were redacted.
    """
    if log_owner.how_to_lend(store()) is not None:
        return 0
    return redact_all(partial(due, before), f'older than {before:%Y-%m-%d}')


def redact_all(find: Callable[[int], list[int]], why: str) -> int:
    """Redact rows in portions, so that nobody waits long for the table.  Commits.

    It ends before all is done where others are at the table for too long.

    :param find: The ids of some rows after an id, in order; none where all is done.
    :param why: For the log, which is to keep no address.
    :return: How many rows were redacted.
    """
    count = last = 0
    # Whoever claimed this has had their turn, whatever comes.
    config.db.commit()
    while numbers := find(last):
        try:
            count += redact(numbers, why)
        except OperationalError as error:
            config.db.abort()
            if getattr(error.orig, 'pgcode', None) != _LOCK_NOT_AVAILABLE:
                raise
            log.info('Audit log: others are at it; the rest is redacted next time')
            break
        config.db.commit()
        last = numbers[-1]
    return count


def redact(numbers: Sequence[int], why: str) -> int:
    """Take away actor, subject and detail of rows; the caller commits.

    :param numbers: The rows' ids, at most `BATCH`; those that have no seal yet stay as
        they are.
    :param why: By what rule, for the log.
    :return: How many were redacted.
    :raises sqlalchemy.exc.OperationalError: where others are at the table for too long.
    """
    sealed = select(QNetAuditSeal.audit_id).where(QNetAuditSeal.audit_id.in_(numbers))
    wanted = sorted(store().scalars(sealed))
    if wanted:
        with _may_update():
            change = update(_rows).where(_rows.c.id.in_(wanted))
            store().execute(change.values(actor='', subject='', detail='{}', salt=None))
        record(Action.redacted, rows=wanted, why=why)
    return len(wanted)


@contextmanager
def _may_update() -> Iterator[None]:
    """Let rows of the log be changed in this transaction, by this statement."""
    if store().get_bind().dialect.name == 'sqlite':
        of_trigger = text('SELECT sql FROM sqlite_master WHERE name = :name')
        again = store().execute(of_trigger, {'name': _NO_UPDATE}).scalar_one()
        store().execute(text(f'DROP TRIGGER {_NO_UPDATE}'))
        yield
        store().execute(text(again))
        return
    trigger = 'TRIGGER qnet_audit_append_only'
    store().execute(text(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'"))
    store().execute(text(f'ALTER TABLE qnet_audit DISABLE {trigger}'))
    yield
    store().execute(text(f'ALTER TABLE qnet_audit ENABLE {trigger}'))
