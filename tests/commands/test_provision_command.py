# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet provision` and `mailman qnet form` (R29, R30)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from mailman.interfaces.listmanager import IListManager
from zope.component import getUtility

from qnet_mailman import site
from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.forms import loading, schema
from tests.effort import database_away
from tests.expected import require_expected
from tests.provisioning.samples import ADDRESS, EXAMPLES, data

FORM = str(EXAMPLES / 'list-request.yaml')
PRIVATE = str(EXAMPLES / 'discussion-private.json')
REMEDY = (
    'Enter a ticket number: letters, digits, ".", "_", "/" and "-", beginning with a '
    'letter or digit, at most 100 characters. You wrote "REQ 99".'
)
MISTAKES = str(EXAMPLES / 'with-mistakes.yaml')


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(qnet, arguments)
    assert isinstance(result.exception, SystemExit | None), result.exc_info
    return result


def lists() -> set[str]:
    return set(getUtility(IListManager).names)


def test_a_plan_then_a_list_then_nothing(core: SimpleNamespace) -> None:
    assert run('roles', 'import', str(EXAMPLES / 'grants.csv')).exit_code == 0
    planned = run('provision', '--dry-run', FORM)
    assert planned.exit_code == 0
    require_expected(planned.output, __file__, 'planned', FORM=FORM)
    assert lists() == set()
    created = run('provision', FORM)
    assert created.exit_code == 0
    assert created.output == planned.output.replace('planned', 'created')
    assert lists() == {ADDRESS}
    again = run('provision', FORM)
    assert (again.exit_code, again.output) == (
        0,
        f'{FORM}: unchanged ({ADDRESS}, REQ0001234)\n',
    )


def test_a_bad_form_changes_nothing_and_the_others_are_applied(
    core: SimpleNamespace,
) -> None:
    result = run('provision', MISTAKES, FORM, PRIVATE)
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[0] == f'{MISTAKES}: invalid'
    assert lines[6] == (
        '  line 12: Kind of list: Choose notification or discussion. You wrote '
        '"newsletter".'
    )
    assert lines[15] == '  14 mistakes; nothing was changed'
    assert len(lists()) == 2


def test_json_output(core: SimpleNamespace) -> None:
    result = run('provision', '--json', MISTAKES, FORM)
    assert result.exit_code == 1
    bad, good = map(json.loads, result.stdout.splitlines())
    assert bad['file'] == MISTAKES
    assert (bad['ticket'], bad['list'], bad['result']) == ('', '', 'invalid')
    assert bad['errors'][0] == {
        'field': 'ticket',
        'line': 5,
        'message': 'found "REQ 99"; expected a ticket number: letters, digits, ".", '
        '"_", "/" and "-", beginning with a letter or digit, at most 100 characters',
        'place': '',
        'path': ['ticket'],
        'remedy': REMEDY,
        'words': f'Ticket number: {REMEDY}',
    }
    assert (good['ticket'], good['list'], good['result'], good['errors']) == (
        'REQ0001234',
        ADDRESS,
        'created',
        [],
    )
    assert good['changes'][0]['what'] == 'create'
    assert good['changes'][-1]['count'] == 3
    again = json.loads(run('provision', '--json', FORM).output)
    assert (again['result'], again['changes']) == ('unchanged', [])


def test_a_changed_form_prints_the_difference(
    core: SimpleNamespace, tmp_path: Path
) -> None:
    path = tmp_path / 'form.json'
    path.write_text(json.dumps(data()), encoding='utf-8')
    run('provision', str(path))
    path.write_text(json.dumps(data(list__mask='off')), encoding='utf-8')
    assert run('provision', '--approve', str(path)).output.splitlines() == [
        f'{path}: changed ({ADDRESS}, REQ0001234)',
        '  change mask from "administrators" to "off"',
        f'  note: rae@agency.example.gov does not administer {ADDRESS} now; the '
        'operator answers for it (--approve)',
    ]
    path.write_text(json.dumps(data(ticket='REQ2'), indent=1), encoding='utf-8')
    refused = run('provision', str(path))
    assert refused.exit_code == 1
    assert '  line 3: Ticket number: ' in refused.output
    assert ' You wrote "REQ2", but ' in refused.output


def test_a_form_that_is_not_there(core: SimpleNamespace) -> None:
    result = run('provision', 'missing.yaml')
    assert result.exit_code == 1
    assert 'missing.yaml: invalid\n  cannot be read: No such file' in result.output


@pytest.mark.parametrize(
    'arguments',
    [
        ('provision', FORM),
        ('show', ADDRESS),
        ('set', ADDRESS, 'mask=off'),
        ('audit',),
        ('form', 'list-request'),
        ('roles', 'list'),
        ('roles', 'assign', ADDRESS, 'a@example.org', '--role', 'moderator'),
        ('roles', 'unassign', ADDRESS, 'a@example.org', '--role', 'moderator'),
    ],
)
def test_broken_settings_stop_every_command(
    core: SimpleNamespace, configure: Any, arguments: tuple[str, ...]
) -> None:

    with pytest.raises(site.NotReady):
        configure(max_message_size='huge')
    result = run(*arguments)
    assert result.exit_code == 2
    assert 'max_message_size = ' in result.stderr
    assert lists() == set()


@pytest.mark.parametrize(
    'command', [('provision', FORM), ('show', ADDRESS), ('audit',)]
)
def test_a_database_that_is_away(
    core: SimpleNamespace, command: tuple[str, ...]
) -> None:
    with database_away():
        result = run(*command)
    assert result.exit_code == 2
    assert 'connection refused' in result.output


def test_as_an_operator_types_it(core: SimpleNamespace) -> None:
    core.config.db.store.close()
    script = Path(sys.executable).with_name('mailman')
    root = ['--run-as-root'] if os.geteuid() == 0 else []

    def mailman(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [script, '-C', core.cfg, *root, 'qnet', *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    created = mailman('provision', FORM)
    assert created.stdout.startswith(f'{FORM}: created'), created.stderr
    assert created.returncode == 0
    shown = json.loads(mailman('show', ADDRESS, '--json').stdout)
    assert shown['members'] == 3
    assert mailman('provision', MISTAKES).returncode == 1


def test_a_database_server_that_does_not_answer(
    core: SimpleNamespace, tmp_path: Path
) -> None:
    text = core.cfg.read_text(encoding='utf-8').partition('[database]')[0]
    configuration = tmp_path / 'mailman.cfg'
    configuration.write_text(
        f'{text}\n[database]\n'
        'class: mailman.database.postgresql.PostgreSQLDatabase\n'
        'url: postgresql://nobody:secret@127.0.0.1:1/nothing\n',
        encoding='utf-8',
    )
    script = Path(sys.executable).with_name('mailman')
    root = ['--run-as-root'] if os.geteuid() == 0 else []
    result = subprocess.run(
        [script, '-C', configuration, *root, 'qnet', 'provision', FORM],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr.startswith('the database cannot be used: ')
    assert 'Traceback' not in result.stderr
    assert 'secret' not in result.stderr


@pytest.mark.parametrize('file_format', ['yaml', 'json'])
def test_an_empty_form_wants_what_is_needed_and_no_more(
    core: SimpleNamespace, tmp_path: Path, file_format: str
) -> None:
    path = tmp_path / f'form.{file_format}'
    result = run('form', 'list-request', '--format', file_format, '-o', str(path))
    assert (result.exit_code, result.output) == (0, '')
    printed = run('form', 'list-request', '--format', file_format).output
    assert printed == path.read_text(encoding='utf-8')

    with pytest.raises(schema.FormInvalid) as invalid:
        loading.load(path, site.settings())
    assert {error.field for error in invalid.value.errors} == {
        'requester',
        'list, name',
        'list, display_name',
        'list, description',
        'administrators',
        'attestations, no_sensitive_information',
        'attestations, security_policies',
    }
    over = run('form', 'list-request', '-o', str(path))
    assert over.exit_code == 1
    assert 'File exists' in over.stderr


def test_the_json_schema_can_be_printed(core: SimpleNamespace) -> None:
    printed = run('form', 'list-request', '--format', 'json-schema').output
    assert printed == schema.json_schema_text()


def test_what_a_file_holds_cannot_command_a_terminal(
    core: SimpleNamespace, tmp_path: Path
) -> None:
    path = tmp_path / 'form.json'
    path.write_text(json.dumps({'ticket': '\x1b[2J', '\x1b[1m': 1}), encoding='utf-8')
    result = run('provision', str(path))
    assert result.exit_code == 1
    assert '\x1b' not in result.output
