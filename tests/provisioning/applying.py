# SPDX-License-Identifier: GPL-3.0-or-later
"""Applying the example form, and looking at what became of it."""

from __future__ import annotations

from email.message import Message
from types import SimpleNamespace
from typing import Any

from mailman.interfaces.listmanager import IListManager
from sqlalchemy import select
from zope.component import getUtility

from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.provisioning.apply import Result, apply_form
from tests.provisioning.samples import ADDRESS, form


def provision(**changes: Any) -> Result:
    return apply_form(form(**changes), actor='operator:test', approved=True)


def the_list() -> Any:
    return getUtility(IListManager).get(ADDRESS)


def sent(core: SimpleNamespace) -> dict[str, Message]:
    """The notices that wait for delivery, by recipient; they are taken out."""
    switchboard = core.config.switchboards['virgin']
    found: dict[str, Message] = {}
    for name in switchboard.files:
        message, data = switchboard.dequeue(name)
        switchboard.finish(name)
        (recipient,) = data['recipients']
        assert recipient.lower() not in found
        found[recipient.lower()] = message
    return found


def audited() -> list[tuple[str, str, str]]:
    rows = store().scalars(select(QNetAudit).order_by(QNetAudit.id))
    return [(row.actor, row.action, row.subject) for row in rows]
