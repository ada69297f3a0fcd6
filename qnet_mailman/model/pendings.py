# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailman's pendings, many at once.

Mailman's own class reads one with several statements, and looks at all to find some.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mailman.model.pending import Pended, PendedKeyValue
from mailman.model.workflow import WorkflowState
from sqlalchemy import delete, select

from qnet_mailman.model.base import store
from qnet_mailman.model.lists import QNetList


@dataclass(frozen=True)
class Waiting:
    """A pending.

    :ivar row: In Mailman's table; later ones have higher numbers.
    :ivar expires_at: In UTC, without a time zone.
    :ivar values: What it stands for; ``type`` says what that is.
    """

    row: int
    token: str
    expires_at: datetime
    values: dict[str, Any]


def having(key: str, values: Iterable[object]) -> Any:
    """A query of the rows of the pendings with one of these values for a key.

    It goes along the index that Mailman has on values.
    """
    return select(PendedKeyValue.pended_id).where(
        PendedKeyValue.key == key,
        PendedKeyValue.value.in_([json.dumps(value) for value in values]),
    )


def on_our_lists() -> Any:
    """The values that ``list_id`` has in the pendings of lists of ours."""
    return select('"' + QNetList.list_id + '"')


def read(rows: Any) -> list[Waiting]:
    """The pendings whose rows a query gives, in the order of their making.

    One statement.  Expired ones are among them until Mailman has cleared them away.
    """
    query = (
        select(
            Pended.id,
            Pended.token,
            Pended.expiration_date,
            PendedKeyValue.key,
            PendedKeyValue.value,
        )
        .join(PendedKeyValue, PendedKeyValue.pended_id == Pended.id)
        .where(Pended.id.in_(rows))
        .order_by(Pended.id)
    )
    found: dict[int, Waiting] = {}
    for row, token, expires_at, key, value in store().execute(query):
        waiting = found.setdefault(row, Waiting(row, token, expires_at, {}))
        # Mailman keeps the type as it is, and everything else as JSON.
        waiting.values[key] = value if key == 'type' else json.loads(value)
    return list(found.values())


def remove(some: Iterable[Waiting]) -> None:
    """Remove pendings, at most a few hundred, and what belongs to them."""
    found = list(some)
    rows = [one.row for one in found]
    tokens = [one.token for one in found]
    for statement in (
        delete(PendedKeyValue).where(PendedKeyValue.pended_id.in_(rows)),
        delete(WorkflowState).where(WorkflowState.token.in_(tokens)),
        delete(Pended).where(Pended.id.in_(rows)),
    ):
        store().execute(statement.execution_options(synchronize_session=False))
