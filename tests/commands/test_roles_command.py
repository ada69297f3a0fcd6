# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet roles` and what `mailman qnet check` says of roles (R24-R28)."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from mailman.utilities.datetime import now

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.health.looking import examine
from tests.helpers import queued

PAT = ('pexample', '--role', 'administrator')


@pytest.fixture
def administered(mlist: Any) -> Any:
    """A list with an administrator, who was assigned at the command line."""
    new = ('--role', 'administrator', '--name', 'Pat', '--harp-id', 'PExample')
    address = mlist.fqdn_listname
    assert run('assign', address, 'pat@agency.example.gov', *new).exit_code == 0
    return mlist


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(qnet, ('roles', *arguments))
    assert isinstance(result.exception, SystemExit | None), result.exc_info
    return result


def subjects() -> list[str]:
    return [str(msg['subject']) for msg, _data in queued('out')]


def test_the_life_of_a_grant(administered: Any) -> None:
    def state() -> str:
        return (
            run('list', administered.list_id)
            .output.rpartition('may not post')[2]
            .strip()
        )

    assert state() == ', waits for the HARP role'
    assert run('deny', *PAT, '--reason', 'Not yet.').output == (
        'harp:pexample administrator: denied\n'
    )
    assert state() == ', waits for the HARP role (denied)'
    approve = ('approve', *PAT, '--email', 'Pat@agency.example.gov', '--name', 'Pat')
    assert run(*approve).output == 'harp:pexample administrator: approved\n'
    assert run(*approve).output == 'harp:pexample administrator: unchanged\n'
    assert state() == ''
    assert subjects() == ['You have the role List Administrator']
    assert run('expire-at', 'pexample', '2199-12-31', *PAT[1:]).exit_code == 0
    assert run('list', '--grants').output == (
        'harp:pexample  administrator  Pat <pat@agency.example.gov>  active, until '
        '2199-12-31T00:00:00Z\n'
    )
    assert run('expire-at', 'pexample', 'never', *PAT[1:]).exit_code == 0
    gone = run('revoke', 'PEXAMPLE', '--provider', 'harp', *PAT[1:], '--reason', 'Left')
    assert gone.output == 'harp:pexample administrator: revoked\n'
    assert state() == ', waits for the HARP role (revoked)'
    (found,) = json.loads(run('list', '--grants', '--json').output)
    assert (found['status'], found['reason'], found['route']) == (
        'revoked',
        'Left',
        'operator',
    )
    assert run('list', '--grants', '--status', 'active').output == ''


def test_who_has_only_the_lesser_role(administered: Any) -> None:
    run('approve', 'pexample', '--role', 'moderator', '--no-mail')
    assert 'waits for the HARP role; may moderate' in run('list').output
    assert subjects() == []


def test_mistakes(administered: Any) -> None:
    for arguments, said in (
        (('revoke', *PAT, '--reason', 'x'), 'does not have the role'),
        (('approve', 'a:b:', '--role', 'moderator', '--email', 'x'), '--email: found'),
        (('approve', 'pat', '--role', 'moderator', '--name', 'a\nb'), '--name: found'),
        (('approve', 'x\ny', '--role', 'moderator'), 'USER_ID: found'),
        (('approve', 'x', '--provider', '-', '--role', 'moderator'), 'USER_ID: found'),
        (('expire-at', 'pat', 'soon', '--role', 'moderator'), 'WHEN: found "soon"'),
        (('list', '--grants', administered.list_id), 'a grant is not about a list'),
        (('list', '--status', 'active'), '--status is for --grants'),
        (('change-address', 'x@example.org', 'y@example.org'), 'is not assigned'),
    ):
        result = run(*arguments)
        assert result.exit_code == 1, arguments
        assert said in result.stderr
    assert run('list', '--grants').output == ''


def test_change_address(administered: Any) -> None:
    changed = run('change-address', 'pat@agency.example.gov', 'Pat@example.org')
    assert changed.output == (
        f'{administered.list_id}: pat@agency.example.gov -> pat@example.org\n'
    )
    assert 'pat@example.org' in run('list').output


def test_import(administered: Any, tmp_path: Path) -> None:
    file = tmp_path / 'grants.csv'
    file.write_text('user_id,role\npexample,List Administrator\nann,king\n')
    result = run('import', str(file))
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f'{file}: line 3: role: found "king"; expected administrator, moderator, List '
        'Administrator or List Moderator',
        'Nothing was changed.',
    ]
    file.write_text('user_id,role,email\npexample,List Administrator,p@example.org\n')
    assert run('import', '--dry-run', str(file)).output == (
        'harp:pexample  administrator: new -> active\n'
        '1 grants looked at, 1 change status (nothing was changed)\n'
    )
    assert run('list', '--grants').output == ''
    assert run('import', '--full', '--no-mail', str(file)).exit_code == 0
    assert subjects() == []
    rows = tmp_path / 'grants.JSON'
    rows.write_text('[{"user_id": "ann", "role": "moderator"}]')
    refused = run('import', '--full', str(rows))
    assert refused.exit_code == 1
    assert 'would take away 1 of 1 active roles' in refused.stderr
    assert 'this can be forced' in refused.stderr
    done = json.loads(run('import', '--full', '--force', '--json', str(rows)).output)
    assert done == {
        'entries': 2,
        'changes': [
            {
                'provider': 'harp',
                'user_id': 'ann',
                'role': 'moderator',
                'before': None,
                'after': 'active',
            },
            {
                'provider': 'harp',
                'user_id': 'pexample',
                'role': 'administrator',
                'before': 'active',
                'after': 'revoked',
            },
        ],
        'taken_away': 1,
        'dry_run': False,
    }


def test_the_audit_log_has_it_all(administered: Any, tmp_path: Path) -> None:
    file = tmp_path / 'grants.csv'
    file.write_text('user_id,role\npexample,List Administrator\n')
    run('import', str(file))
    run('revoke', *PAT, '--reason', 'Left')
    result = CliRunner().invoke(qnet, ['audit', '--json'])
    # What the rosters of the list became is there, too.
    kinds = ('role', 'grants')
    rows = [row for row in json.loads(result.output) if row['action'].startswith(kinds)]
    assert [(row['action'], row['subject']) for row in rows] == [
        ('role approved', 'harp:pexample'),
        ('grants imported', 'grants.csv'),
        ('role revoked', 'harp:pexample'),
    ]
    assert all(row['actor'].startswith('operator') for row in rows)
    assert [row['detail'].get('by') for row in rows] == ['import', None, 'operator']


def test_check(administered: Any) -> None:
    def findings() -> list[tuple[str, str]]:
        return [(f.level, f.text) for f in examine(web=False) if f.subject == 'roles']

    without = f'1 lists without administrators: {administered.list_id}'
    assert findings() == [
        (
            'warning',
            'nobody has a role: nobody can administer or moderate a list',
        ),
        ('warning', without),
    ]
    run('approve', *PAT)
    assert findings() == [('ok', '1 active grants, 0 expire within 14 days')]

    soon = (now() + timedelta(days=3)).isoformat(timespec='seconds')
    run('expire-at', 'pexample', soon, *PAT[1:])
    assert findings() == [('ok', '1 active grants, 1 expire within 14 days')]
    run('revoke', *PAT, '--reason', 'x')
    assert ('warning', without) in findings()
