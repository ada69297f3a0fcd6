# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking a list of Mailman's own over, whole or not at all, and handing it back (R40)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from mailman.config import config
from mailman.interfaces.action import Action
from mailman.interfaces.mailinglist import SubscriptionPolicy
from mailman.interfaces.member import DeliveryStatus
from sqlalchemy import event, select

from qnet_mailman.lists import adopting
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounce, QNetSuspension
from qnet_mailman.model.lists import row_of
from qnet_mailman.roles import grants, people
from qnet_mailman.roles.rights import Identity, Role
from qnet_mailman.values import ListType
from tests.adopting import stock_lists as stock
from tests.adopting.stock_lists import again, furnished, shown, stock_list
from tests.effort import database_away, effort
from tests.helpers import subscribe
from tests.killed import KILLED, in_a_process


@pytest.fixture
def talk(core: SimpleNamespace) -> str:
    """The List-ID of a list with something of everything."""
    return str(furnished().list_id)


def adopt(list_id: str, **how: Any) -> None:
    adopting.adopt(again(list_id), **how)
    config.db.commit()


def release(list_id: str) -> Any:
    found = adopting.release(again(list_id))
    config.db.commit()
    adopting.finish_release(again(list_id))
    return found


def test_there_and_back(talk: str) -> None:
    before = shown(talk)
    adopt(talk)
    assert row_of(again(talk)) is not None
    assert shown(talk) != before
    release(talk)
    assert row_of(again(talk)) is None
    assert shown(talk) == before
