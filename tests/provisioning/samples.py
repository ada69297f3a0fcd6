# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms for tests."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from mailman.config import config
from mailman.utilities.datetime import now

from qnet_mailman.forms.schema import Document, ListRequest, validate
from qnet_mailman.model.base import store
from qnet_mailman.model.people import QNetGrant

EXAMPLES = Path(__file__).resolve().parents[2] / 'provisioning' / 'examples'
DOMAIN = 'lists.example.gov'
ADDRESS = f'hqr-updates@{DOMAIN}'
LIST_ID = f'hqr-updates.{DOMAIN}'

GOOD: dict[str, Any] = {
    'form': 'list-request',
    'ticket': 'REQ0001234',
    'requester': {'name': 'Rae Requester', 'email': 'rae@agency.example.gov'},
    'list': {
        'name': 'hqr-updates',
        'display_name': 'HQR Updates',
        'description': 'News about hospital quality reporting.',
        'type': 'notification',
        'visibility': 'public',
    },
    'administrators': [
        {
            'name': 'Pat Example',
            'email': 'Pat@agency.example.gov',
            'harp_id': 'pexample',
            'may_post': True,
        },
        {'name': 'Sam Sample', 'email': 'sam@agency.example.gov'},
    ],
    'moderators': [{'name': 'Mo Example', 'email': 'mo@example.org'}],
    'subscribers': [
        {'email': 'Reader@example.org', 'name': 'Robin Reader'},
        {'email': 'lee@example.org'},
    ],
    'attestations': {'no_sensitive_information': True, 'security_policies': True},
}

HOLDERS = (
    ('pexample', 'administrator', 'pat@agency.example.gov'),
    ('ssample', 'administrator', 'sam@agency.example.gov'),
    ('mexample', 'moderator', 'mo@example.org'),
    ('max1', 'administrator', 'max@example.org'),
    ('max1', 'moderator', 'max@example.org'),
)
"""Who has which role, once `grant_roles()` was called."""

REMOVE = object()


def grant_roles() -> None:
    """Give the people of the sample forms their roles; nobody hears of it."""
    for user_id, role, email in HOLDERS:
        store().add(
            QNetGrant(
                provider='harp',
                user_id=user_id,
                role=role,
                email=email,
                status='active',
                told='active',
                route='import',
                created_at=now(),
                changed_at=now(),
            )
        )
    config.db.commit()


def data(**changes: Any) -> dict[str, Any]:
    """A good form's data with some values changed.

    :param changes: By path, with `__` between its steps; `REMOVE` takes away.
    """
    form = copy.deepcopy(GOOD)
    for path, value in changes.items():
        *steps, last = (int(s) if s.isdigit() else s for s in path.split('__'))
        place: Any = form
        for step in steps:
            place = place[step] if isinstance(step, int) else place.setdefault(step, {})
        if value is REMOVE:
            del place[last]
        else:
            place[last] = value
    return form


def form(**changes: Any) -> ListRequest:
    """A good form with some values changed."""
    return validate(Document(data(**changes)), default_domain=DOMAIN)
