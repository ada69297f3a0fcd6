# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking away what tells of a person in old rows of the audit log (R31).

It is a row of the log itself, and needs the role that owns the log's tables: on
PostgreSQL not the service's, where a site has set it up so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select, text, update

from qnet_mailman.model.audit import Action, QNetAudit, record
from qnet_mailman.model.base import store
from qnet_mailman.model.seals import QNetAuditSeal
from qnet_mailman.model.statements import chunks

_rows: Any = QNetAudit.__table__
_NO_UPDATE = 'qnet_audit_no_update'


def redact(numbers: Sequence[int], why: str) -> int:
    """Take away actor, subject and detail of rows; the caller commits.

    :param numbers: The rows' ids; those that have no seal yet stay as they are.
    :param why: By what rule, for the log.
    :return: How many were redacted.
    """
    count = 0
    for some in chunks(numbers):
        sealed = select(QNetAuditSeal.audit_id).where(QNetAuditSeal.audit_id.in_(some))
        wanted = sorted(store().scalars(sealed))
        if wanted:
            with _may_update():
                change = update(_rows).where(_rows.c.id.in_(wanted))
                store().execute(
                    change.values(actor='', subject='', detail='{}', salt=None)
                )
            record(Action.redacted, rows=wanted, why=why)
            count += len(wanted)
    return count


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
    store().execute(text(f'ALTER TABLE qnet_audit DISABLE {trigger}'))
    yield
    store().execute(text(f'ALTER TABLE qnet_audit ENABLE {trigger}'))
