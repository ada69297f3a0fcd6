# SPDX-License-Identifier: GPL-3.0-or-later
"""What waits for somebody to confirm or approve it."""

from __future__ import annotations

from mailman.model.pending import Pended, PendedKeyValue
from sqlalchemy import func, select

from qnet_mailman.model import tokens
from qnet_mailman.model.base import store

PROVEN = {'pre_verified': True, 'pre_confirmed': True}
OWNERS = 'news1-owner@lists.example.gov'


def waiting() -> int:
    # What was used is remembered, and waits for nobody.
    used = select(PendedKeyValue.pended_id).where(PendedKeyValue.value == tokens.USED)
    query = select(func.count()).select_from(Pended)
    return store().scalar(query.where(Pended.id.not_in(used)))
