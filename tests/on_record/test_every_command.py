# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command that changes something leaves a row with the operator's account (R31).

Found by looking at the commands that `mailman` has, so that one that is new is noticed.
"""

from __future__ import annotations

import contextvars
import getpass
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner, Result
from mailman.app.lifecycle import create_list
from mailman.bin.mailman import Subcommands
from mailman.config import config
from mailman.database.transaction import transaction
from mailman.interfaces.mailinglist import SubscriptionPolicy

from qnet_mailman.lists import closing
from qnet_mailman.model import changes
from qnet_mailman.values import Closing
from tests.helpers import appoint, subscribe
from tests.neighbour.rarely import OF_2_1
from tests.on_record.person import rows_of
from tests.provisioning.samples import EXAMPLES, data

pytestmark = pytest.mark.mlist('notification', 'private')

KIM, NEW = 'kim@agency.example.gov', 'new@example.org'
PAT = ('pexample', '--role', 'administrator')
WHY = ('--reason', 'x')

SHOWS = 'shows or writes something that is no list'
PROCESSES = "starts, stops or tells Mailman's processes"
FILES = 'is about files of queues, which belong to no list'
SITE = 'is about a whole site: tests/backup'

Words = tuple[str, ...]
# By the command's name: what is run before, and the command's own words behind it.
COMMANDS: dict[str, tuple[list[Words], Words] | str] = {
    'addmembers': ([], ('{members}', '{stock}')),
    'admins': ([], ('--add', NEW, '{stock}')),
    'aliases': SHOWS,
    'changeaddress': ([], (KIM, NEW)),
    'conf': SHOWS,
    'create': ([], ('b@lists.example.gov',)),
    'delmembers': ([], ('-m', KIM, '-l', '{list}')),
    'digests': ([], ('--bump', '-l', '{list}')),
    'findmember': SHOWS,
    'gatenews': FILES,
    'help': SHOWS,
    'import21': ([], ('{stock}', '{of_2_1}')),
    'info': SHOWS,
    'inject': FILES,
    'lists': SHOWS,
    'members': SHOWS,
    'notify': SHOWS,
    'qfile': SHOWS,
    'remove': ([], ('{list}',)),
    'reopen': PROCESSES,
    'restart': PROCESSES,
    'shell': (
        [],
        ('-l', '{list}', '-r', 'tests.on_record.test_every_command.describe'),
    ),
    'start': PROCESSES,
    'status': SHOWS,
    'stop': PROCESSES,
    'syncmembers': ([], ('{members}', '{stock}')),
    'unshunt': FILES,
    'version': SHOWS,
    'withlist': (
        [],
        ('-l', '{list}', '-r', 'tests.on_record.test_every_command.describe'),
    ),
    'qnet adopt': ([], ('{stock}',)),
    # Looking at who sent posts.
    'qnet audit': ([], ('--senders',)),
    'qnet backup': SITE,
    'qnet bounces': SHOWS,
    'qnet check': SHOWS,
    'qnet classify': SHOWS,
    'qnet dns': SHOWS,
    'qnet form': SHOWS,
    'qnet forms approve': ([('qnet', 'forms', 'take', '{form}')], ('1',)),
    'qnet forms link': ([('qnet', 'forms', 'take', '{form}')], ('1', 'REQ0009999')),
    'qnet forms list': SHOWS,
    'qnet forms return': ([('qnet', 'forms', 'take', '{form}')], ('1', *WHY)),
    'qnet forms show': SHOWS,
    'qnet forms take': ([], ('{form}',)),
    'qnet import-members': ([], ('{list}', '{csv}')),
    'qnet keys revoke': ([('qnet', 'keys', 'rotate')], ('1',)),
    'qnet keys rotate': ([], ()),
    'qnet metrics': SHOWS,
    'qnet provision': ([], ('{form}',)),
    'qnet release': ([('qnet', 'adopt', '{stock}')], ('{stock}',)),
    'qnet reopen': ([], ('{closed}',)),
    'qnet report': SHOWS,
    'qnet restore': SITE,
    'qnet resume': SITE,
    'qnet roles approve': ([], PAT),
    'qnet roles assign': (
        [],
        ('{list}', NEW, '--role', 'moderator', '--name', 'New'),
    ),
    'qnet roles change-address': ([], ('boss@agency.example.gov', NEW)),
    'qnet roles deny': ([], (*PAT, *WHY)),
    'qnet roles expire-at': (
        [('qnet', 'roles', 'approve', *PAT)],
        ('pexample', '2199-12-31', *PAT[1:]),
    ),
    'qnet roles import': ([], ('{grants}',)),
    'qnet roles list': SHOWS,
    'qnet roles revoke': ([('qnet', 'roles', 'approve', *PAT)], (*PAT, *WHY)),
    'qnet roles unassign': (
        [],
        ('{list}', 'boss@agency.example.gov', '--role', 'administrator'),
    ),
    'qnet set': ([], ('{list}', 'threshold=9')),
    'qnet show': SHOWS,
    'qnet sublists add': ([], ('{list}', '{child}')),
    'qnet sublists remove': (
        [('qnet', 'sublists', 'add', '{list}', '{child}')],
        ('{list}', '{child}'),
    ),
}


def describe(mlist: Any) -> None:
    """What an operator may have in a file for `mailman shell`."""
    mlist.description = 'Changed by hand'


def names(group: click.Group | None = None, before: str = '') -> Iterator[str]:
    """Of all commands, those in groups with the groups'."""
    group = Subcommands('mailman') if group is None else group
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from names(command, f'{before}{name} ')
        else:
            yield f'{before}{name}'


def test_nothing_is_new(core: Any) -> None:
    assert sorted(names()) == sorted(COMMANDS)


Mailman = Callable[..., Result]


@pytest.fixture
def mailman(monkeypatch: pytest.MonkeyPatch) -> Mailman:
    """`mailman` in this process, as its own program begins and ends it."""

    def run(*words: str) -> Result:
        monkeypatch.setattr(sys, 'argv', ['mailman', *words])

        def program() -> Result:
            changes.at_the_command_line()
            group = Subcommands('mailman')
            command = group.get_command(click.Context(group), words[0])
            assert command is not None
            with transaction():
                return CliRunner().invoke(command, words[1:])

        return contextvars.copy_context().run(program)

    return run


@pytest.fixture
def named(mlist: Any, make_list: Any, tmp_path: Path) -> dict[str, str]:
    """Lists, with something in them, and files; what each is called."""
    subscribe(mlist, KIM)
    appoint(mlist, 'boss@agency.example.gov')
    child, closed = make_list(), make_list()
    stock = create_list('talk@lists.example.gov', style_name='legacy-default')
    stock.subscription_policy = SubscriptionPolicy.open
    closing.close(closed, Closing.archive, 'REQ0000001')
    config.db.commit()
    form = {**data(), 'subscribers': 'people.csv'}
    for name, text in (
        ('members', f'{NEW}\n'),
        ('list.csv', f'email\n{NEW}\n'),
        ('form.yaml', yaml.safe_dump(form)),
        ('people.csv', 'email\nlee@example.org\n'),
    ):
        (tmp_path / name).write_text(text)
    (tmp_path / 'config.pck').write_bytes(pickle.dumps(OF_2_1, protocol=2))
    return {
        'list': mlist.fqdn_listname,
        'child': child.fqdn_listname,
        'closed': closed.fqdn_listname,
        'stock': 'talk@lists.example.gov',
        'members': str(tmp_path / 'members'),
        'csv': str(tmp_path / 'list.csv'),
        'form': str(tmp_path / 'form.yaml'),
        'of_2_1': str(tmp_path / 'config.pck'),
        'grants': str(EXAMPLES / 'grants.csv'),
    }


@pytest.mark.parametrize(
    'command', [each for each in COMMANDS if isinstance(COMMANDS[each], tuple)]
)
def test_a_change_is_on_record(
    named: dict[str, str], mailman: Mailman, command: str
) -> None:
    before, words = COMMANDS[command]
    for each in before:
        assert isinstance(each, tuple)
        done = mailman(*(word.format(**named) for word in each))
        assert done.exit_code == 0, done.output
    with rows_of() as rows:
        done = mailman(*command.split(), *(word.format(**named) for word in words))
    assert done.exit_code == 0, done.output
    assert rows, done.output
    assert {row['actor'] for row in rows} == {f'operator:{getpass.getuser()}'}, rows
