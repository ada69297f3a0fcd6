# SPDX-License-Identifier: GPL-3.0-or-later
"""People who look after a list, at their browsers, and what core says to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from qnet_mailman.web.gate import access
from qnet_mailman.web.harp.rights import Rights
from qnet_mailman.web.harp.session import Identity
from tests.web.conftest import ADDRESS, LIST_ID, StubCore

__all__ = ['LIST_ID', 'Answers', 'as_person']

MEMBER_ID = '2a80e4cd-6b32-47f9-9c88-6313462143a8'
OTHER_ID = '3b80e4cd-6b32-47f9-9c88-6313462143a8'
HEADING: dict[str, Any] = {
    'list_id': LIST_ID,
    'list': ADDRESS,
    'display_name': 'HQR Updates',
    'mail_host': 'lists.example.gov',
    'threshold': 5,
    'window_days': 7,
    'requests': 3,
    'held': 2,
    'suspended': 1,
}
ABOUT: dict[str, Any] = {
    **HEADING,
    'type': 'discussion',
    'visibility': 'private',
    'description': 'Talk about measures.',
    'closed': None,
    'mask': 'administrators',
    'replies': 'hold',
    'reply_to': '',
    'personalize': 'on',
    'member_authentication': 'off',
    'subscription_policy': 'confirm_then_moderate',
    'archive_policy': 'private',
    'max_message_size_kb': 40,
    'tickets': ['REQ0001234'],
    'members': 103,
    'delivery': {
        'enabled': 100,
        'by_user': 1,
        'by_bounces': 1,
        'by_moderator': 1,
        'unknown': 0,
    },
    'administrators': ['pat@agency.example.gov'],
    'moderators': [],
    'posters': ['pat@agency.example.gov'],
    'assignments': [
        {
            'role': 'administrator',
            'name': name,
            'email': f'{name.lower()}@agency.example.gov',
            'harp_id': harp_id,
            'may_post': name == 'Pat',
            'effective': right is not None,
            'right': right,
            'grant': grant,
        }
        for name, harp_id, right, grant in (
            ('Pat', 'pexample', 'administrator', 'active'),
            ('Rae', 'rexample', None, 'revoked'),
            ('Exo', '', None, 'expired'),
            ('Ned', 'nexample', None, 'none'),
            ('Ask', 'aexample', None, 'requested'),
            ('Mod', 'mexample', 'moderator', 'none'),
        )
    ],
}
SUSPENDED: dict[str, Any] = {
    'member_id': MEMBER_ID,
    'place': '7:full@example.net',
    'address': 'full@example.net',
    'score': 5.5,
    'last': {'date': '2026-03-04', 'kind': 'hard', 'reason': 'address unknown'},
    'delivery': 'by_bounces',
    'suspended': True,
    'warnings': 1,
    'removal': '2026-03-26',
    'days_left': 21,
}
BOUNCING: dict[str, Any] = {
    'member_id': OTHER_ID,
    'place': '8:some@example.net',
    'address': 'some@example.net',
    'score': 0.5,
    'last': {'date': '2026-03-03', 'kind': 'soft', 'reason': 'mailbox full'},
    'delivery': 'enabled',
    'suspended': False,
    'warnings': 0,
    'removal': None,
    'days_left': None,
}
DAYS: list[dict[str, Any]] = [
    {
        'date': f'2026-03-{day:02}',
        'hard': 2 if day == 4 else 0,
        'soft': 3 if day == 3 else 1 if day == 4 else 0,
        'withheld': 1 if day == 2 else 0,
    }
    for day in range(1, 6)
]
TABLE: dict[str, Any] = {
    'list': HEADING,
    'start': 0,
    'total_size': 2,
    'entries': [SUSPENDED, BOUNCING],
    'days': DAYS,
}
ONE: dict[str, Any] = {
    'list': HEADING,
    'member': {
        **SUSPENDED,
        'advice': ['Look at that address.', 'Ask your IT department.'],
        'bounces': [
            {
                'date': '2026-03-04',
                'points': 1.0,
                'state': 'counted',
                'in_window': True,
                'kind': 'hard',
                'reason': 'address unknown',
                'status': '5.1.1',
                'reply_code': '550',
                'evidence': '550 5.1.1 <b>no such user</b>',
            },
            {
                'date': '2026-03-03',
                'points': 0.5,
                'state': 'cleared',
                'in_window': True,
                'kind': 'soft',
                'reason': 'mailbox full',
                'status': None,
                'reply_code': None,
                'evidence': '',
            },
            {
                'date': '2025-12-24',
                'points': 1.0,
                'state': 'counted',
                'in_window': False,
                'kind': 'hard',
                'reason': 'undetermined',
                'status': None,
                'reply_code': None,
                'evidence': 'failed',
            },
        ],
    },
}


class Answers(dict[str, tuple[int, object]]):
    """A core's answers to questions, whatever is behind the question mark."""

    def get(self, key: str, default: Any = None) -> Any:
        """See `dict`."""
        return super().get(key.partition('?')[0], default)


def known(core: StubCore, **about: Any) -> StubCore:
    """A core that knows the list, of which something may be otherwise, and members."""
    core.answers = Answers(
        {
            f'lists/{LIST_ID}': (200, ABOUT | about),
            f'lists/{LIST_ID}/settings': (200, {'changed': {'mask': 'off'}}),
            f'lists/{LIST_ID}/bounces/members': (200, TABLE),
            f'lists/{LIST_ID}/bounces/members/{MEMBER_ID}': (200, ONE),
            f'lists/{LIST_ID}/bounces/members/{MEMBER_ID}/enable': (
                200,
                {'address': 'full@example.net'},
            ),
        }
    )
    core.status = 404
    return core


def asked(core: StubCore) -> dict[str, str]:
    """What the only question to core had behind the question mark."""
    [path] = core.asked
    return {key: value for key, [value] in parse_qs(urlsplit(path).query).items()}


@pytest.fixture
def as_person(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Client]]:
    """A browser of somebody signed in through the provider, with rights as given."""
    who = Identity('harp', 'pexample')
    with ExitStack() as leaving:

        def begin(**rights: set[str]) -> Client:
            found = Rights(**{key: frozenset(value) for key, value in rights.items()})
            monkeypatch.setattr(access, 'identity', lambda _request: who)
            monkeypatch.setattr(access, 'rights_of', lambda _identity: found)
            user = get_user_model().objects.create_user('pat', 'pat@example.org')
            leaving.callback(user.delete)
            browser = Client(headers={'host': 'lists.example.gov'})
            browser.force_login(user, 'django.contrib.auth.backends.ModelBackend')
            return browser

        yield begin


@pytest.fixture
def administrator(as_person: Callable[..., Client]) -> Client:
    """Somebody who administers the list."""
    return as_person(roles={'administrator'}, administers={LIST_ID})


@pytest.fixture
def moderator(as_person: Callable[..., Client]) -> Client:
    """Somebody who moderates the list."""
    return as_person(roles={'moderator'}, moderates={LIST_ID})
