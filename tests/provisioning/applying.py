# SPDX-License-Identifier: GPL-3.0-or-later
"""Applying the example form, and looking at what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mailman.config import config
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


def sent() -> dict[str, Message]:
    """The notices that wait for delivery, by recipient; they are taken out."""
    switchboard = config.switchboards['virgin']
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


@pytest.fixture
def postfix_map(core: SimpleNamespace) -> Iterator[Path]:
    """Mailman writes Postfix's maps; the one of addresses."""
    configuration = core.var / 'postfix.cfg'
    configuration.write_text(
        '[postfix]\ntransport_file_type: regex\n', encoding='utf-8'
    )
    core.config.push(
        'postfix',
        '[mta]\nincoming: qnet_mailman.mta.postfix.LMTP\n'
        f'lmtp_port: 8024\nconfiguration: {configuration}\n',
    )
    folder = Path(core.config.DATA_DIR)
    yield folder / 'postfix_lmtp'
    core.config.pop('postfix')
    for path in [*folder.glob('postfix_*'), *folder.glob('qnet-map-*')]:
        path.unlink()
