# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet provision --diff`: how the lists differ from a folder of forms."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from mailman.app.lifecycle import remove_list
from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from sqlalchemy import inspect, text
from zope.component import getUtility

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.lists.closing import close
from qnet_mailman.model.base import store
from qnet_mailman.roles.people import Assignee, assign, unassign
from qnet_mailman.roles.rights import Role
from qnet_mailman.values import Closing
from tests.effort import effort
from tests.expected import require_expected
from tests.provisioning.samples import DOMAIN, data


def run(*arguments: Any) -> Result:
    result = CliRunner().invoke(qnet, [str(each) for each in arguments])
    assert isinstance(result.exception, SystemExit | None), result.exc_info
    return result


def write(path: Path, number: int, **changes: Any) -> None:
    form = data(ticket=f'REQ{number}', list__name=f'list{number}', **changes)
    path.write_text(json.dumps(form), encoding='utf-8')


def the_list(number: int) -> Any:
    return getUtility(IListManager).get(f'list{number}@{DOMAIN}')


@pytest.fixture
def folder(core: SimpleNamespace, tmp_path: Path) -> Path:
    """Three forms, and the lists that they made."""
    for number in range(3):
        write(tmp_path / f'{number}.json', number)
    assert run('provision', tmp_path).exit_code == 0
    return tmp_path


def everything() -> dict[str, list[str]]:
    config.db.commit()
    names = inspect(config.db.engine).get_table_names()
    rows = {
        name: sorted(
            # PostgreSQL's driver gives binary columns as views of memory.
            repr([bytes(v) if isinstance(v, memoryview) else v for v in row])
            for row in store().execute(text(f'SELECT * FROM "{name}"'))
        )
        for name in names
    }
    config.db.commit()
    return rows


def test_nothing_differs(folder: Path) -> None:
    result = run('provision', '--diff', folder)
    assert (result.exit_code, result.stdout) == (0, '       3  as the form says\n')


def test_all_that_can_differ(folder: Path) -> None:
    mlist = the_list(0)
    mlist.description = 'Changed'
    unassign(mlist, Role.administrator, 'sam@agency.example.gov')
    assign(mlist, Role.moderator, Assignee('mo@example.org', 'Mo Other', 'mo1', True))
    assign(mlist, Role.moderator, Assignee('kim@example.org', 'Kim'))
    config.db.commit()
    write(folder / '1.json', 1, list__type='discussion', list__replies='hold')
    (folder / '2.json').unlink()
    write(folder / '3.json', 3)
    before = everything()
    result = run('provision', '--diff', folder)
    assert result.exit_code == 1
    require_expected(result.stdout, __file__, 'differences', FOLDER=str(folder))
    assert everything() == before
    lines = run('provision', '--diff', '--json', folder).stdout.splitlines()
    found = [json.loads(line) for line in lines]
    assert [(each['list'], each['result']) for each in found] == [
        (f'list0@{DOMAIN}', 'differs'),
        (f'list1@{DOMAIN}', 'differs'),
        (f'list3@{DOMAIN}', 'no list'),
        (f'list2@{DOMAIN}', 'no form'),
    ]
    assert found[1]['differences'] == [
        {'what': 'type', 'form': 'discussion', 'list': 'notification'},
        {'what': 'replies', 'form': 'hold', 'list': 'reject'},
    ]


def test_single_forms_say_nothing_of_other_lists(folder: Path) -> None:
    result = run('provision', '--diff', folder / '0.json')
    assert (result.exit_code, result.stdout) == (0, '       1  as the form says\n')


def test_an_invalid_form_is_not_compared(folder: Path) -> None:
    (folder / '1.json').write_text('{', encoding='utf-8')
    result = run('provision', '--diff', folder)
    assert result.exit_code == 2
    assert result.stdout.startswith(f'{folder}/1.json: invalid\n  ')


def test_a_threshold_change_is_no_description(folder: Path) -> None:
    change = {
        'form': 'threshold-change',
        'ticket': 'REQ9',
        'requester': {'name': 'Pat Example', 'email': 'pat@agency.example.gov'},
        'list': 'list0',
        'bounces': {'threshold': 9},
    }
    (folder / 'change.json').write_text(json.dumps(change), encoding='utf-8')
    result = run('provision', '--diff', folder)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f'{folder}/change.json: skipped (list0@{DOMAIN})',
        '  note: only a list-request or list-closure says how a list is to be',
        '       3  as the form says',
        '       1  skipped',
    ]


def closure(folder: Path, number: int, action: str) -> None:
    form = {
        'form': 'list-closure',
        'ticket': f'REQ9{number}',
        'requester': {'name': 'Pat Example', 'email': 'pat@agency.example.gov'},
        'list': f'list{number}',
        'action': action,
        'tell_members': False,
    }
    # Before and behind the request for the list.
    (folder / f'{number}{action}.json').write_text(json.dumps(form), encoding='utf-8')


def test_a_list_that_a_form_closes(folder: Path) -> None:
    closure(folder, 0, 'archive')
    closure(folder, 1, 'delete')
    result = run('provision', '--diff', folder)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f'{folder}/0archive.json: differs (list0@{DOMAIN})',
        '  closed: nothing; the form has "archive"',
        f'{folder}/1delete.json: differs (list1@{DOMAIN})',
        '  closed: nothing; the form has "delete"',
        '       3  as the form says',
        '       2  different',
    ]
    close(the_list(0), Closing.archive, 'REQ90')
    close(the_list(1), Closing.delete, 'REQ91')
    config.db.commit()
    same = ['       5  as the form says']
    assert run('provision', '--diff', folder).stdout.splitlines() == same
    remove_list(the_list(1))
    config.db.commit()
    assert run('provision', '--diff', folder).stdout.splitlines() == same
    (folder / '1delete.json').unlink()
    (folder / '0archive.json').unlink()
    assert run('provision', '--diff', folder).stdout.splitlines() == [
        f'{folder}/0.json: differs (list0@{DOMAIN})',
        '  closed: "archive"; the form has nothing',
        f'{folder}/1.json: there is a form for it and no list (list1@{DOMAIN})',
        '       1  as the form says',
        '       1  different',
        '       1  without a list',
    ]


def test_a_list_costs_the_same_however_many_there_are(folder: Path) -> None:
    counts = []
    for many in (1, 2, 3):
        files = [folder / f'{number}.json' for number in range(many)]
        with effort() as spent:
            assert run('provision', '--diff', *files).exit_code == 0
        counts.append(len(spent.statements))
    assert counts[2] - counts[1] == counts[1] - counts[0] <= 8


def test_what_list_show_wrote_does_not_differ(folder: Path, tmp_path: Path) -> None:
    the_list(1).description = 'Changed'
    config.db.commit()
    kept = tmp_path / 'kept'
    kept.mkdir()
    for number in range(3):
        written = run('show', f'list{number}@{DOMAIN}', '--form').stdout
        (kept / f'{number}.yaml').write_text(written, encoding='utf-8')
    assert run('provision', '--diff', kept).stdout == '       3  as the form says\n'
