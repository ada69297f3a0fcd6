# SPDX-License-Identifier: GPL-3.0-or-later
"""A list that is closed by a form: what the tests of closing share."""

from __future__ import annotations

from email.message import Message
from typing import Any

import pytest
from mailman.config import config
from mailman.interfaces.member import DeliveryMode
from sqlalchemy import select

from qnet_mailman.forms.list_closure import ListClosure, validate
from qnet_mailman.forms.mistakes import Document
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.provisioning.apply import Result, apply_form
from tests.helpers import message
from tests.provisioning.samples import DOMAIN, REMOVE

ADMIN = 'pat@agency.example.gov'
GOOD: dict[str, Any] = {
    'form': 'list-closure',
    'ticket': 'REQ0004567',
    'requester': {'name': 'Pat Example', 'email': ADMIN},
    'list': 'news1',
    'action': 'delete',
    'tell_members': False,
}
CLOSABLE = pytest.mark.mlist(
    'discussion',
    administrators=[ADMIN],
    members=['ann@example.org', 'bob@example.org'],
    digests={'dee@example.org': DeliveryMode.mime_digests},
)
"""A discussion list with an administrator, who may post, and members."""


def data(**changes: Any) -> dict[str, Any]:
    whole = {**GOOD, **changes}
    return {key: value for key, value in whole.items() if value is not REMOVE}


def form(**changes: Any) -> ListClosure:
    return validate(Document(data(**changes)), default_domain=DOMAIN)


def provision(*, approved: bool = False, dry_run: bool = False, **more: Any) -> Result:
    return apply_form(
        form(**more), actor='operator:test', approved=approved, dry_run=dry_run
    )


def taken(queue: str = 'virgin') -> list[tuple[Message, dict[str, Any]]]:
    """What waits in a queue; it is taken out."""
    switchboard = config.switchboards[queue]
    found = []
    for name in switchboard.files:
        found.append(switchboard.dequeue(name))
        switchboard.finish(name)
    return found


def notices_to() -> dict[str, str]:
    return {', '.join(more['recipients']): str(msg['subject']) for msg, more in taken()}


def letter(sender: str, subject: str = 'News', number: int = 1) -> Any:
    return message(
        f'From: {sender}\nTo: news1@{DOMAIN}\nSubject: {subject}\n'
        f'Message-ID: <{subject}{number}@example.org>\n'
        'Authentication-Results: mx.example.gov; dkim=pass header.d=agency.example.gov'
        '\n\nHello.\n'
    )


def actions() -> list[str]:
    return list(store().scalars(select(QNetAudit.action).order_by(QNetAudit.id)))
