# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail with a subject that asks to leave: what its tests share."""

from __future__ import annotations

from typing import Any

import pytest
from mailman.interfaces.requests import IListRequests, RequestType
from mailman.model.pending import Pended
from sqlalchemy import func, select

from qnet_mailman.model.base import store
from tests.helpers import (
    queued,
)
from tests.subscriptions.leavers import READER

SECOND = 'reader.two@example.net'
THIRD = 'reader.three@example.net'
WITH_READER = {'members': [READER], 'admin_notify_mchanges': False}
ON_DISCUSSION = pytest.mark.mlist('discussion', **WITH_READER)


def unseen(mlist: Any) -> bool:
    """Whether the list never saw the message."""
    return (
        not any(queued(name) for name in ('pipeline', 'archive', 'out', 'shunt', 'bad'))
        and IListRequests(mlist).count_of(RequestType.held_message) == 0
    )


def waiting() -> int:
    return store().scalar(select(func.count()).select_from(Pended))


AUTOMATIC = [
    'Auto-Submitted: auto-replied\r\n',
    'Auto-Submitted: auto-generated\r\n',
    'Precedence: bulk\r\n',
    'X-Autoreply: yes\r\n',
    'X-Auto-Response-Suppress: All\r\n',
    'Return-Path: <>\r\n',
]
