# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows that are written past SQLAlchemy are as it reads them."""

from __future__ import annotations

from types import SimpleNamespace

from mailman.interfaces.usermanager import IUserManager
from mailman.model.user import User
from mailman.utilities.datetime import now
from sqlalchemy import select
from zope.component import getUtility

from qnet_mailman.model import bulk
from qnet_mailman.model.base import store

NAMES = [
    '',
    r'\N',
    r'a\tb',
    'tab\t',
    'two\r\nlines',
    "O'Hara",
    '"q", %s',
    'Zoë 😀',
    '.',
]


def test_text_and_columns_come_back(core: SimpleNamespace) -> None:
    ids = bulk.take_ids(User.__table__, len(NAMES))
    moment = now()
    bulk.write(
        User.__table__,
        ('id', '_user_id', 'display_name'),
        zip(ids, bulk.random_uuids(len(NAMES)), NAMES, strict=True),
        _created_on=moment,
    )
    core.config.db.commit()
    found = list(
        store().scalars(select(User).where(User.id.in_(ids)).order_by(User.id))
    )
    assert [user.display_name for user in found] == NAMES
    assert {user.user_id.version for user in found} == {4}
    assert len({user.user_id for user in found}) == len(NAMES)
    assert {user.created_on for user in found} == {moment}
    # A default of the column's.
    assert {user.is_server_owner for user in found} == {False}


def test_numbers_are_nobody_elses(core: SimpleNamespace) -> None:
    taken = {getUtility(IUserManager).make_user('first@example.org').id}
    store().flush()
    for _ in range(2):
        ids = bulk.take_ids(User.__table__, 3)
        bulk.write(User.__table__, ('id',), ((each,) for each in ids))
        assert taken.isdisjoint(ids)
        taken.update(ids)
    made = getUtility(IUserManager).make_user('last@example.org')
    store().flush()
    assert made.id not in taken
