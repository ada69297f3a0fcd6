# SPDX-License-Identifier: GPL-3.0-or-later
"""The doors by which the steps come in: mail, REST, the command line; see `walk.py`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from click.testing import CliRunner
from mailman.app.lifecycle import create_list
from mailman.commands.cli_addmembers import addmembers
from mailman.commands.cli_delmembers import delmembers
from mailman.commands.cli_lists import create, lists, remove
from mailman.commands.cli_members import members
from mailman.commands.cli_notify import notify
from mailman.commands.cli_syncmembers import syncmembers

from tests.neighbour.walk import DOMAIN, Walk
from tests.rest.client import ask

POST = """\
From: {sender}
To: {to}
Subject: {subject}
Message-ID: <{number}@agency.example.gov>
Date: Mon, 02 Mar 2026 11:00:00 +0000

{text}
"""


def make_list(walk: Walk, style: str, name: str, **settings: Any) -> Any:
    mlist = create_list(f'{style}-{name}@{DOMAIN}', ('owner@example.gov',), style)
    for key, value in settings.items():
        setattr(mlist, key, value)
    # REST closes the session that a list would be bound to.
    kept = SimpleNamespace(**{name: getattr(mlist, name) for name in KEPT})
    walk.config.db.commit()
    return kept


KEPT = (
    'list_id',
    'list_name',
    'mail_host',
    'posting_address',
    'join_address',
    'leave_address',
    'bounces_address',
    'request_address',
    'owner_address',
)


def post(number: object, mlist: Any, sender: str, **changes: str) -> str:
    filled = {
        'sender': sender,
        'to': mlist.posting_address,
        'subject': f'Post {number}',
        'number': str(number),
        'text': 'A text.\n',
        **changes,
    }
    return POST.format(**filled)


def note(walk: Walk, answer: Any) -> None:
    text = answer.text
    if text:
        # The order of keys is nobody's business.
        text = json.dumps(json.loads(text), indent=1, sort_keys=True)
    walk.notes.append(f'HTTP {answer.status_code}\n{text}')


def ask_to_join(mlist: Any, address: str, name: str = '') -> None:
    """Subscribe somebody without asking anybody."""
    fields = {
        'list_id': mlist.list_id,
        'subscriber': address,
        'display_name': name,
        'send_welcome_message': 'False',
        **dict.fromkeys(('pre_verified', 'pre_confirmed', 'pre_approved'), 'True'),
    }
    ask('POST', 'members', fields)


def command(walk: Walk, command: Any, *arguments: str) -> None:
    done = CliRunner().invoke(command, arguments)
    walk.notes.append(f'exit {done.exit_code}\n{done.output}')
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        walk.notes.append(repr(done.exception))


# ------------------------------------------------------------------------ commands


def commands_by_mail(walk: Walk, style: str) -> None:
    mlist = make_list(walk, style, 'commands')
    ask_to_join(mlist, 'ann@clinic.example.org', 'Ann')
    for command in (
        'help',
        'help join',
        'echo a b',
        'who',
        'join digest=mime',
        'join digest=no address=fay@clinic.example.org',
        'subscribe',
        'leave',
        'unsubscribe',
        'confirm',
        f'confirm {"0" * 40}',
        'end',
        'nonsense',
    ):
        with walk.step(f'{style}, the command {command}', mlist):
            walk.mail(
                mlist.request_address,
                post(
                    f'{style}{command}',
                    mlist,
                    'ann@clinic.example.org',
                    subject='',
                    text=command,
                ).replace(' ', '_', 0),
                'ann@clinic.example.org',
            )


def rest(walk: Walk, style: str) -> None:
    mlist = make_list(walk, style, 'rest')
    ask_to_join(mlist, 'ann@clinic.example.org', 'Ann')
    base = f'lists/{mlist.list_id}'
    for path in (
        base,
        f'{base}/config',
        f'{base}/roster/member',
        f'{base}/roster/owner',
        f'{base}/archivers',
        f'{base}/bans',
        f'{base}/header-matches',
        f'{base}/requests',
        f'{base}/requests/count',
        f'{base}/held',
        f'{base}/uris',
        f'{base}/digest',
        'addresses/ann@clinic.example.org',
        'addresses/ann@clinic.example.org/memberships',
    ):
        with walk.step(f'{style}, GET {path.replace(mlist.list_id, "LIST")}'):
            note(walk, ask('GET', path))
    with walk.step(f'{style}, PATCH config', mlist):
        fields = {'description': 'Another', 'max_message_size': '7'}
        note(walk, ask('PATCH', f'{base}/config', fields))
    with walk.step(f'{style}, a ban', mlist):
        note(walk, ask('POST', f'{base}/bans', {'email': 'eve@else.example.net'}))
    for role in ('owner', 'moderator'):
        with walk.step(f'{style}, a new {role}', mlist):
            fields = {
                'list_id': mlist.list_id,
                'subscriber': f'{role}2@clinic.example.org',
                'role': role,
                **dict.fromkeys(
                    ('pre_verified', 'pre_confirmed', 'pre_approved'), 'True'
                ),
            }
            note(walk, ask('POST', 'members', fields))
    with walk.step(f'{style}, a member is to get no mail', mlist):
        found = ask('GET', f'{base}/member/ann@clinic.example.org').json
        path = f'members/{found["member_id"]}/preferences'
        note(walk, ask('PATCH', path, {'delivery_status': 'by_user'}))
    with walk.step(f'{style}, a list made and deleted by REST'):
        name = f'{style}-made@{DOMAIN}'
        note(walk, ask('POST', 'lists', {'fqdn_listname': name, 'style_name': style}))
        note(walk, ask('GET', f'lists/{name}/config'))
        note(walk, ask('DELETE', f'lists/{name}'))


def command_line(walk: Walk, style: str) -> None:
    name = f'{style}-cli@{DOMAIN}'
    at = f'{style}, command line: '
    folder = Path(walk.config.VAR_DIR)
    people = folder / 'people.txt'
    people.write_text('Ann <ann@clinic.example.org>\nbob@clinic.example.org\n')
    with walk.step(f'{at}create'):
        command(
            walk,
            create,
            '--style-name',
            style,
            '-d',
            '-n',
            '-o',
            'owner@example.gov',
            name,
        )
    with walk.step(f'{at}addmembers'):
        command(walk, addmembers, '-w', str(people), name)
    with walk.step(f'{at}addmembers, invited'):
        (folder / 'invited.txt').write_text('cleo@clinic.example.org\n')
        command(walk, addmembers, '-i', str(folder / 'invited.txt'), name)
    with walk.step(f'{at}members'):
        command(walk, members, name)
    with walk.step(f'{at}syncmembers'):
        people.write_text('Ann <ann@clinic.example.org>\ndora@clinic.example.org\n')
        command(walk, syncmembers, '-w', '-g', '-a', str(people), name)
    with walk.step(f'{at}delmembers'):
        command(walk, delmembers, '-g', '-m', 'ann@clinic.example.org', '-l', name)
    with walk.step(f'{at}notify'):
        command(walk, notify, '-l', name)
    with walk.step(f'{at}lists'):
        command(walk, lists, '--names', '--descriptions')
    with walk.step(f'{at}remove'):
        command(walk, remove, name)
    shutil.rmtree(folder / 'archives', ignore_errors=True)
