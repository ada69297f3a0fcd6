# SPDX-License-Identifier: GPL-3.0-or-later
"""The lists as somebody who joins or leaves sees them (R2, R13).

One statement for any number of lists: Mailman's own list objects cost several each.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from mailman.model.mailinglist import MailingList
from sqlalchemy import select

from qnet_mailman.model.base import store
from qnet_mailman.model.closures import QNetClosure
from qnet_mailman.model.lists import QNetList
from qnet_mailman.values import ListType, Visibility

_ON_OFFER = (
    QNetList.list_id.is_not(None),
    MailingList.advertised.is_(True),
    # Administrators can advertise a closed list in Postorius.
    QNetList.list_id.not_in(select(QNetClosure.list_id)),
)


@dataclass(frozen=True)
class Listed:
    """A list.

    :ivar type: None where the list has none of our styles, as is its visibility.
    """

    list_id: str
    fqdn_listname: str
    display_name: str
    description: str
    type: ListType | None
    visibility: Visibility | None


def advertised() -> list[Listed]:
    """What the sign-up page shows, by display name: public and private ones (R2)."""
    return _listed(*_ON_OFFER)


def advertised_among(list_ids: Collection[str]) -> list[Listed]:
    """Those of some lists that the sign-up page shows."""
    return _listed(*_ON_OFFER, QNetList.list_id.in_(list_ids))


def by_ids(list_ids: Collection[str]) -> list[Listed]:
    """Those of some lists that exist and are ours, by display name."""
    return _listed(QNetList.list_id.in_(list_ids))


def of_any_style(list_ids: Collection[str]) -> list[Listed]:
    """Those of some lists that exist, ours or not (R40), by display name."""
    return _listed(MailingList._list_id.in_(list_ids))


def _listed(*conditions: Any) -> list[Listed]:
    query = (
        select(
            MailingList._list_id,
            MailingList.list_name,
            MailingList.mail_host,
            MailingList.display_name,
            MailingList.description,
            QNetList.list_type,
            QNetList.visibility,
        )
        .outerjoin(QNetList, QNetList.list_id == MailingList._list_id)
        .where(*conditions)
    )
    found = [
        Listed(
            list_id=list_id,
            fqdn_listname=f'{list_name}@{mail_host}',
            display_name=display_name or list_name,
            description=description or '',
            type=None if list_type is None else ListType(list_type),
            visibility=None if visibility is None else Visibility(visibility),
        )
        for (
            list_id,
            list_name,
            mail_host,
            display_name,
            description,
            list_type,
            visibility,
        ) in store().execute(query)
    ]
    return sorted(
        found, key=lambda each: (each.display_name.casefold(), each.fqdn_listname)
    )
