# SPDX-License-Identifier: GPL-3.0-or-later
"""A core that knows lists, rosters, users and roles, enough for stock pages to run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.test import override_settings

from tests.web.harp.hostile import listening

DOMAIN = 'example.gov'
NEWS = f'news.{DOMAIN}'
NEWS_ADDRESS = f'news@{DOMAIN}'
OTHER = f'other.{DOMAIN}'
#: A list without one of our styles.
STOCK = f'talk.{DOMAIN}'
STOCK_ADDRESS = f'talk@{DOMAIN}'
TOKEN = 'a' * 40
#: Of a request to the other list.
OTHERS_TOKEN = 'b' * 40
HELD_TEXT = 'From: a@example.org\nSubject: Hello\n\nHello\n'
SETTINGS: dict[str, Any] = {
    'posting_pipeline': 'qnet-posting-pipeline',
    'subscription_policy': 'confirm',
    'unsubscription_policy': 'confirm',
    'description': 'News.',
    'display_name': 'News',
    'subject_prefix': '',
    'archive_policy': 'private',
    'archive_rendering_mode': 'text',
    'created_at': '2026-01-01T00:00:00',
    'advertised': True,
    'member_roster_visibility': 'moderators',
    'preferred_language': 'en',
}


def user_id_of(email: str) -> str:
    """Core's ID of a person."""
    return f'id-of-{email.partition("@")[0]}'


def list_id_in(text: str) -> str:
    """The ID of the list that a path or a field names."""
    return text.replace('@', '.')


@dataclass
class StubMailman:
    """The core.

    :ivar lists: List IDs.
    :ivar stock: Those of them that have none of our styles.
    :ivar settings: Of every list.
    :ivar rosters: Addresses by list ID and role.
    :ivar rights: What `roles/rights` says, by user ID; nothing for others.
    :ivar public: Posting addresses of the lists whose archive is public.
    :ivar asked: Methods and paths of all requests.
    :ivar changes: Methods, paths and fields of those that change something.
    :ivar down: Whether it answers 503 to everything.
    :ivar kind: The type of the lists of ours.
    """

    url: str = ''
    lists: list[str] = field(default_factory=lambda: [NEWS, OTHER])
    stock: set[str] = field(default_factory=set)
    settings: dict[str, Any] = field(default_factory=lambda: dict(SETTINGS))
    rosters: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    rights: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    public: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    changes: list[tuple[str, str, dict[str, list[str]]]] = field(default_factory=list)
    down: bool = False
    kind: str = 'notification'

    def answer(
        self, method: str, path: str, query: dict[str, list[str]]
    ) -> tuple[int, Any]:
        """Status and JSON."""
        self.asked.append(f'{method} {path}')
        reading = method == 'GET' or path.endswith(('/find', '/sign-in', '/overview'))
        if not reading:
            self.changes.append((method, path, query))
        if self.down:
            return 503, None
        if path == 'plugins/qnet/roles/rights':
            return 200, self.rights_of(query['user_id'][0])
        if path == 'plugins/qnet/archives':
            return 200, {'public': sorted(self.public)}
        if path == 'plugins/qnet/lists/overview':
            listed = [self.an_overview(each) for each in query.get('list', ())]
            return 200, {'lists': listed, 'roles': []}
        if path == 'plugins/qnet/roles/rosters':
            return 200, self.looked_after(query['address'])
        if path == 'plugins/qnet/signup':
            return 200, {'lists': []}
        if path.startswith('plugins/'):
            return 404, None
        if path == 'members/find':
            return 200, self.found(query)
        if path == 'lists/find':
            return 200, self.entries([self.a_list(each) for each in self.lists])
        if not reading:
            return 204, None
        return self.read(path, query)

    def read(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        """The answer to a GET."""
        parts = [unquote(part) for part in path.split('/')]
        match parts:
            case ['lists']:
                count = int(query.get('count', ['50'])[0])
                found = [self.a_list(each) for each in self.lists]
                return 200, {**self.entries(found[:count]), 'total_size': len(found)}
            case ['lists', 'styles']:
                style = {'name': 'qnet-notification-public', 'description': 'A list'}
                return 200, {'style_names': [], 'styles': [style], 'default': 'x'}
            case ['lists', name, *rest]:
                list_id = list_id_in(name)
                if list_id not in self.lists:
                    return 404, None
                return self.of_list(list_id, rest)
            case ['users', who, *rest]:
                return self.of_user(who, rest)
            case ['users']:
                emails = sorted({member['email'] for member in self.members()})
                return 200, self.entries([self.of_user(each, [])[1] for each in emails])
            case ['members', number, 'preferences']:
                # Only those are there that were chosen.
                return 200, {'self_link': number}
            case ['members', number]:
                members = [m for m in self.members() if m['member_id'] == number]
                return (200, members[0]) if members else (404, None)
            case ['addresses', email, *_rest]:
                return 200, self.an_address(email)
            case ['domains']:
                return 200, self.entries([self.a_domain()])
            case ['domains', _host]:
                return 200, self.a_domain()
            case ['domains', _host, 'owners']:
                return 200, self.entries([self.of_user('1', [])[1]])
            case ['queues']:
                return 200, {'entries': []}
            case ['system', 'versions']:
                version = 'GNU Mailman 3.3.10 (Tom Sawyer)'
                return 200, {'api_version': '3.1', 'mailman_version': version}
            case ['system', ('pipelines' | 'chains') as names]:
                return 200, {names: []}
            case _:
                return 200, self.entries([])

    def of_list(self, list_id: str, rest: list[str]) -> tuple[int, Any]:
        """What is below a list."""
        match rest:
            case []:
                return 200, self.a_list(list_id)
            case ['config', *names]:
                settings = dict(self.settings)
                if list_id in self.stock:
                    settings['posting_pipeline'] = 'default-posting-pipeline'
                return 200, {name: settings[name] for name in names or settings}
            case ['roster', role]:
                return 200, self.entries(self.members(list_id, role))
            case ['archivers']:
                return 200, {'hyperkitty': True}
            case ['held', 'count'] | ['requests', 'count']:
                return 200, {'count': 0}
            case ['held', '1']:
                return 200, {
                    'request_id': 1,
                    'sender': 'a@example.org',
                    'subject': 'Hello',
                    'reason': '',
                    'hold_date': '2026-01-01T00:00:00',
                    'message_id': '<1@example.org>',
                    'msg': HELD_TEXT,
                    'self_link': f'{self.url}/3.1/lists/{list_id}/held/1',
                }
            case ['held', _]:
                return 404, None
            case ['requests', token]:
                # As in core, whatever the list that the address names.
                return 200, {
                    'token': token,
                    'token_owner': 'moderator',
                    'email': 'new@example.org',
                    'type': 'subscription',
                    'list_id': OTHER if token == OTHERS_TOKEN else NEWS,
                }
            case [('member' | 'owner' | 'moderator' | 'nonmember') as role, email]:
                for member in self.members(list_id, role):
                    if member['email'] == email:
                        return 200, member
                return 404, None
            case _:
                return 200, self.entries([])

    def of_user(self, who: str, rest: list[str]) -> tuple[int, Any]:
        """What is below a user, who may be named by an address."""
        name = who.removeprefix('id-of-').partition('@')[0]
        email = who if '@' in who else f'{name}@example.gov'
        link = f'{self.url}/3.1/users/{user_id_of(email)}'
        match rest:
            case []:
                return 200, {
                    'user_id': user_id_of(email),
                    'display_name': name,
                    'created_on': '2026-01-01T00:00:00',
                    'is_server_owner': False,
                    'self_link': link,
                }
            case ['addresses']:
                return 200, self.entries([self.an_address(email)])
            case ['preferred_address']:
                return 200, self.an_address(email)
            case _:
                return 200, {'self_link': link}

    def rights_of(self, user_id: str) -> dict[str, Any]:
        """What the plugin says of a person."""
        nothing = {'roles': [], 'administers': [], 'moderates': []}
        rights = self.rights.get(user_id, {})
        email = f'{user_id}@{DOMAIN}' if rights else ''
        who = {'provider': 'harp', 'user_id': user_id, 'name': '', 'email': email}
        return {**who, **nothing, **rights}

    def looked_after(self, emails: list[str]) -> dict[str, list[str]]:
        """What the plugin says of some addresses and lists of other styles."""
        return {
            right: sorted(
                list_id
                for (list_id, its_role), there in self.rosters.items()
                if list_id in self.stock and its_role == role and {*there} & {*emails}
            )
            for right, role in (('administers', 'owner'), ('moderates', 'moderator'))
        }

    def an_overview(self, list_id: str) -> dict[str, Any]:
        """What the plugin says of a list that somebody looks after."""
        ours = list_id not in self.stock
        return {
            'list_id': list_id,
            'list': self.a_list(list_id)['fqdn_listname'],
            'display_name': self.a_list(list_id)['display_name'],
            'type': self.kind if ours else None,
            'visibility': 'private' if ours else None,
            **dict.fromkeys(('requests', 'held', 'suspended', 'posters'), 0),
            'administrators': len(self.rosters.get((list_id, 'owner'), ())),
        }

    def members(self, list_id: str = '', role: str = '') -> list[dict[str, Any]]:
        """Of a list, or all, in a role, or all."""
        return [
            self.a_member(each, its_role, email)
            for (each, its_role), emails in self.rosters.items()
            for email in emails
            if list_id in ('', each) and role in ('', its_role)
        ]

    def found(self, query: dict[str, list[str]]) -> dict[str, Any]:
        """The answer to a search for members."""
        given = {name: values[0] for name, values in query.items()}
        subscriber = given.get('subscriber', '')
        found = self.members(
            list_id_in(given.get('list_id', '')), given.get('role', '')
        )
        if subscriber and '*' not in subscriber:
            found = [
                member
                for member in found
                if subscriber in (member['email'], user_id_of(member['email']))
            ]
        return self.entries(found)

    def a_list(self, list_id: str) -> dict[str, Any]:
        """A list's resource."""
        name, _dot, host = list_id.partition('.')
        return {
            'list_id': list_id,
            'fqdn_listname': f'{name}@{host}',
            'list_name': name,
            'mail_host': host,
            'display_name': name.title(),
            'description': 'News.',
            'advertised': True,
            'member_count': 1,
            'volume': 1,
            'self_link': f'{self.url}/3.1/lists/{list_id}',
        }

    def a_member(self, list_id: str, role: str, email: str) -> dict[str, Any]:
        """A member's resource."""
        number = re.sub(r'\W', '-', f'{role}-{email}-{list_id}')
        action = {} if role == 'member' else {'moderation_action': 'accept'}
        return {
            'list_id': list_id,
            'role': role,
            'email': email,
            'display_name': '',
            'address': f'{self.url}/3.1/addresses/{email}',
            'user': f'{self.url}/3.1/users/{user_id_of(email)}',
            'member_id': number,
            'subscription_mode': 'as_address',
            'delivery_mode': 'regular',
            'bounce_score': 0,
            'total_warnings_sent': 0,
            'self_link': f'{self.url}/3.1/members/{number}',
            **action,
        }

    def an_address(self, email: str) -> dict[str, Any]:
        """An address's resource."""
        return {
            'email': email,
            'original_email': email,
            'display_name': '',
            'verified_on': '2026-01-01T00:00:00',
            'registered_on': '2026-01-01T00:00:00',
            'self_link': f'{self.url}/3.1/addresses/{email}',
        }

    def a_domain(self) -> dict[str, Any]:
        """The domain's resource."""
        return {
            'mail_host': DOMAIN,
            'description': '',
            'alias_domain': None,
            'self_link': f'{self.url}/3.1/domains/{DOMAIN}',
        }

    def entries(self, found: list[dict[str, Any]]) -> dict[str, Any]:
        """A collection."""
        answer = {'start': 0, 'total_size': len(found)}
        return {**answer, 'entries': found} if found else answer


@contextmanager
def running() -> Iterator[StubMailman]:
    """A stub, known to the web side as core."""
    stub = StubMailman()

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            url = urlsplit(self.path)
            size = int(self.headers.get('Content-Length') or 0)
            body = self.rfile.read(size).decode()
            fields = parse_qs(f'{url.query}&{body}', keep_blank_values=True)
            path = url.path.removeprefix('/3.1/')
            status, content = stub.answer(self.command, path, fields)
            data = b'' if content is None else json.dumps(content).encode()
            self.send_response(status)
            self.send_header('Content-Type', 'application/json')
            self.send_header('Content-Length', str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = respond

        def log_message(self, *_args: object) -> None:
            pass

    with (
        listening(Handler) as stub.url,
        override_settings(MAILMAN_REST_API_URL=stub.url),
    ):
        yield stub
