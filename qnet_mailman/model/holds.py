# SPDX-License-Identifier: GPL-3.0-or-later
"""Legal holds: what the audit log says of a list or a person is not redacted (R31).

A hold is a row of the log itself, and lasts until another lifts it: whoever can only
add to the log can take none away, and it outlives its list.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, false, func, or_, select

from qnet_mailman.model.audit import Action, QNetAudit, record
from qnet_mailman.model.base import store
from qnet_mailman.values import list_id_of

_rows: Any = QNetAudit.__table__


class Hold(NamedTuple):
    """A hold on a list, or on a person.

    :ivar list_id: The list's; None where it is on a person.
    :ivar person: An address in lower case, or who the log says did something.
    :ivar since: In UTC.
    """

    list_id: str | None
    person: str
    since: datetime
    actor: str
    why: str


def in_force() -> list[Hold]:
    """The holds that nobody has lifted, the oldest first."""
    kinds = (Action.hold_set.value, Action.hold_lifted.value)
    last = select(func.max(_rows.c.id)).where(_rows.c.action.in_(kinds))
    query = (
        select(_rows)
        .where(
            _rows.c.id.in_(last.group_by(_rows.c.list_id, _rows.c.subject)),
            _rows.c.action == Action.hold_set.value,
        )
        .order_by(_rows.c.id)
    )
    return [
        Hold(row.list_id, row.subject, row.at, row.actor, json.loads(row.detail)['why'])
        for row in store().execute(query)
    ]


def put(list_name: str | None, person: str | None, *, is_set: bool, why: str) -> bool:
    """Set or lift a hold; the caller commits.

    :param list_name: The list's address or ID; it may have been deleted.
    :param person: Whom it is on, where no list is given.
    :return: Whether that changes anything.
    """
    list_id = None if list_name is None else list_id_of(list_name.strip().lower())
    about = (list_id, '' if person is None else person.strip().lower())
    if is_set == (about in [(each.list_id, each.person) for each in in_force()]):
        return False
    action = Action.hold_set if is_set else Action.hold_lifted
    record(action, *about, why=why)
    return True


def is_held() -> ColumnElement[bool]:
    """Whether a row of the log is under a hold now."""
    return or_(false(), *(_is_under(each) for each in in_force()))


def _is_under(hold: Hold) -> ColumnElement[bool]:
    on_list: ColumnElement[bool] = _rows.c.list_id == hold.list_id
    return mentions(hold.person) if hold.list_id is None else on_list


def mentions(person: str) -> ColumnElement[bool]:
    """Whether somebody stands anywhere in a row; whose name ends so, does too."""
    quoted = json.dumps(person)[1:-1]
    return or_(
        _rows.c.actor.icontains(person, autoescape=True),
        _rows.c.subject.icontains(person, autoescape=True),
        _rows.c.detail.icontains(quoted, autoescape=True),
    )
