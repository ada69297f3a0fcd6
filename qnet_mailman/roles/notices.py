# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing to people about their roles, and to operators about lists without anybody.

A grant keeps the status that its person knows of (R28).  Whoever has changed grants
commits, and then calls `tell()`, as the periodic job does for what was left by a
process that was killed: nothing is told that was taken back, and nothing is forgotten.
"""

from __future__ import annotations

import logging
import textwrap
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.utilities.datetime import now
from sqlalchemy import or_, select, update
from zope.component import getUtility

from qnet_mailman import clock, site
from qnet_mailman.model.base import by_itself, store
from qnet_mailman.model.people import QNetGrant, QNetUnattended
from qnet_mailman.model.statements import touched
from qnet_mailman.roles import overview
from qnet_mailman.roles.rights import HARP_NAMES, Identity, Role, Status
from qnet_mailman.templates.sending import WIDTH, one_line, operators, send

REMIND_EVERY = timedelta(days=1)
"""Between two messages to operators about the same list without administrators."""
MAX_LISTS = 100
"""Lists that one message names."""

TEMPLATES = {
    Status.requested: 'qnet:user:notice:role-requested',
    Status.active: 'qnet:user:notice:role-approved',
    Status.denied: 'qnet:user:notice:role-denied',
    Status.revoked: 'qnet:user:notice:role-revoked',
    Status.expired: 'qnet:user:notice:role-expired',
}
EXPIRES = 'qnet:user:notice:role-expires'
UNATTENDED = 'qnet:operator:notice:no-administrator'

_SUBJECTS = {
    Status.requested: 'Your request for the role {role} has arrived',
    Status.active: 'You have the role {role}',
    Status.denied: 'Your request for the role {role} was not approved',
    Status.revoked: 'You do not have the role {role} any more',
    Status.expired: 'Your role {role} has expired',
}

log = logging.getLogger('mailman.plugins')


def tell(moment: datetime | None = None) -> None:
    """Write all messages that are due; a transaction for each, commits.

    What cannot be written is logged, and tried again by the next call.
    """
    moment = moment or now()
    for row_id in list(store().scalars(_untold())):
        _each(_tell_status, row_id, moment)
    for row_id in list(store().scalars(_ending(moment))):
        _each(_warn, row_id, moment)
    if _unattended_due(moment):
        _each(_tell_operators, 0, moment)
    config.db.commit()


def _each(work: Callable[[int, datetime], None], row_id: int, moment: datetime) -> None:
    with by_itself(log, 'A message about a role could not be written'):
        work(row_id, moment)


def _untold() -> Any:
    return (
        select(QNetGrant.id)
        .where(QNetGrant.told != QNetGrant.status)
        .order_by(QNetGrant.id)
    )


def _tell_status(row_id: int, moment: datetime) -> None:
    row = _read(row_id)
    if row is None or row.told == row.status:
        return
    # Whoever changes the row is the one who tells.
    claimed = touched(
        update(QNetGrant)
        .where(
            QNetGrant.id == row_id,
            QNetGrant.told == row.told,
            QNetGrant.status == row.status,
        )
        .values(told=row.status)
        .execution_options(synchronize_session=False)
    )
    status = Status(row.status)
    if claimed and row.email:
        subject = _SUBJECTS[status].format(role=HARP_NAMES[Role(row.role)])
        _write(row, TEMPLATES[status], subject)


def _ending(moment: datetime) -> Any:
    return (
        select(QNetGrant.id)
        .where(
            QNetGrant.status == Status.active.value,
            QNetGrant.warned_at.is_(None),
            QNetGrant.expires_at > moment,
            QNetGrant.expires_at <= moment + site.settings().role_warning,
        )
        .order_by(QNetGrant.id)
    )


def _warn(row_id: int, moment: datetime) -> None:
    row = _read(row_id)
    if row is None or row.expires_at is None:
        return
    claimed = touched(
        update(QNetGrant)
        .where(
            QNetGrant.id == row_id,
            QNetGrant.warned_at.is_(None),
            QNetGrant.expires_at == row.expires_at,
        )
        .values(warned_at=moment)
        .execution_options(synchronize_session=False)
    )
    if claimed and row.email:
        name = HARP_NAMES[Role(row.role)]
        day = _day(row.expires_at)
        _write(row, EXPIRES, f'Your role {name} expires on {day}')


def _read(row_id: int) -> QNetGrant | None:
    return store().get(QNetGrant, row_id, populate_existing=True)


def _identity(row: QNetGrant) -> Identity:
    return Identity(row.provider, row.user_id)


def _list(list_id: str) -> Any:
    return getUtility(IListManager).get_by_list_id(list_id)


def _write(row: QNetGrant, template: str, subject: str) -> None:
    settings = site.settings()
    rights = overview.rights(_identity(row))
    reason = one_line(row.reason)
    send(
        None,
        row.email,
        template,
        subject,
        {
            'name': one_line(row.name) or row.user_id,
            'role': HARP_NAMES[Role(row.role)],
            'user_id': row.user_id,
            'provider': row.provider.upper(),
            'reason': f'\n{_filled(f"Reason: {reason}")}\n' if reason else '',
            'lists': _rights_in_words(rights),
            'day': '' if row.expires_at is None else _day(row.expires_at),
            'where': ''
            if settings.web_url is None
            else f'\n  Sign in:\n  {settings.web_url}\n',
        },
    )


def _rights_in_words(rights: dict[str, Any]) -> str:
    parts = []
    for key, may in (('administers', 'administer'), ('moderates', 'moderate')):
        if rights[key]:
            parts += [f'You can now {may} these mailing lists:', _named(rights[key])]
    if not parts:
        parts = [
            _filled(
                'You are not assigned to any mailing list yet, or not with this role. '
                'An operator does that for a request form.'
            )
        ]
    return '\n\n'.join(parts)


def _named(list_ids: Iterable[str]) -> str:
    ids = sorted(list_ids)
    lines = [
        f'  {mlist.fqdn_listname}'
        for list_id in ids[:MAX_LISTS]
        if (mlist := _list(list_id)) is not None
    ]
    if len(ids) > MAX_LISTS:
        lines.append(f'  and {len(ids) - MAX_LISTS} more')
    return '\n'.join(lines)


def _filled(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _day(moment: datetime) -> str:
    zone = site.settings().time_zone
    return f'{clock.in_zone(moment, zone):%Y-%m-%d}'


# ------------------------------------------------------------- to operators


def _unattended_due(moment: datetime) -> bool:
    due = select(QNetUnattended.id).where(
        or_(
            QNetUnattended.told_at.is_(None),
            QNetUnattended.told_at <= moment - REMIND_EVERY,
        )
    )
    return store().scalar(due.limit(1)) is not None


def _tell_operators(_row_id: int, moment: datetime) -> None:
    """One message about all lists that have lost their last administrator.

    At once when there is one more of them, and every day.
    """
    # Whoever changes a row that is due is the one who tells.
    claimed = touched(
        update(QNetUnattended)
        .where(
            or_(
                QNetUnattended.told_at.is_(None),
                QNetUnattended.told_at <= moment - REMIND_EVERY,
            )
        )
        .values(told_at=moment)
        .execution_options(synchronize_session=False)
    )
    if not claimed:
        return
    since = {
        row.list_id: row.since
        for row in store().scalars(
            select(QNetUnattended).execution_options(populate_existing=True)
        )
    }
    mlists = {list_id: _list(list_id) for list_id in sorted(since)}
    lines = [
        f'  {mlist.fqdn_listname} (since {_day(since[list_id])})'
        for list_id, mlist in mlists.items()
        if mlist is not None
    ]
    if len(lines) > MAX_LISTS:
        lines = [*lines[:MAX_LISTS], f'  and {len(lines) - MAX_LISTS} more']
    if not lines:
        return
    support = site.settings().support_address
    how_many = '1 mailing list' if len(mlists) == 1 else f'{len(mlists)} mailing lists'
    send(
        None,
        operators(),
        UNATTENDED,
        f'{how_many} without an administrator',
        {'lists': '\n'.join(lines), 'support_address': support},
    )
