# SPDX-License-Identifier: GPL-3.0-or-later
"""A list is adopted by two at once, or while somebody joins it or changes it."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from mailman.config import config
from mailman.interfaces.member import MemberRole
from sqlalchemy import func, select

from qnet_mailman.lists import adopting
from qnet_mailman.model.adoptions import QNetAdoption
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import row_of
from qnet_mailman.roles import people
from tests.adopting.stock_lists import ANN, OWNER, again, stock_list
from tests.helpers import make_user

ADOPTED, TOO_LATE, FAILED = 0, 3, 7


@pytest.fixture
def talk(core: SimpleNamespace) -> str:
    mlist = stock_list()
    make_user(ANN)
    config.db.commit()
    return str(mlist.list_id)


def at_once(*works: Callable[[], object]) -> list[int]:
    """Do things in a process each, begun together; their exit statuses."""
    config.db.commit()
    config.db.engine.dispose()
    ready, go = os.pipe()
    children = []
    for work in works:
        child = os.fork()
        if not child:
            os.close(go)
            os.read(ready, 1)
            try:
                work()
                config.db.commit()
                os._exit(ADOPTED)
            except adopting.CannotAdopt:
                os._exit(TOO_LATE)
            except BaseException:
                os._exit(FAILED)
        children.append(child)
    os.close(ready)
    # The end of the pipe is what all wait for.
    os.close(go)
    return [os.waitstatus_to_exitcode(os.waitpid(one, 0)[1]) for one in children]


def test_two_at_once(talk: str) -> None:
    found = at_once(*[lambda: adopting.adopt(again(talk))] * 3)
    assert sorted(found) == [ADOPTED, TOO_LATE, TOO_LATE]
    assert store().scalar(select(func.count(QNetAdoption.list_id))) == 1
    assert len(people.assignments_of(again(talk))) == 1


def join(list_id: str, role: MemberRole = MemberRole.member) -> None:
    mlist = again(list_id)
    mlist.subscribe(stock_address(), role)


def stock_address() -> Any:
    return next(iter(make_user(ANN).addresses))


def describe(list_id: str) -> None:
    again(list_id).description = 'About everything.'


@pytest.mark.parametrize('work', [join, describe])
def test_beside_what_others_do(talk: str, work: Callable[[str], None]) -> None:
    found = at_once(lambda: adopting.adopt(again(talk)), lambda: work(talk))
    assert found == [ADOPTED, ADOPTED]
    mlist = again(talk)
    assert row_of(mlist) is not None and mlist.posting_chain == 'qnet-posting-chain'
    if work is join:
        assert [one.email for one in mlist.members.addresses] == [ANN]
    else:
        assert mlist.description == 'About everything.'


def test_beside_an_owner_who_is_added(talk: str) -> None:
    found = at_once(
        lambda: adopting.adopt(again(talk)), lambda: join(talk, MemberRole.owner)
    )
    assert found == [ADOPTED, ADOPTED]
    # Taken over with the others, or taken off again: with no role there is no roster.
    assert not list(again(talk).owners.addresses)
    emails = {row.email for row in people.assignments_of(again(talk))}
    assert OWNER in emails <= {OWNER, ANN}
