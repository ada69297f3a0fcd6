# SPDX-License-Identifier: GPL-3.0-or-later
"""Many forms with one command (R30): stopped anywhere, run again, everything once."""

from __future__ import annotations

import json
import os
import pty
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.commands.qnet import provision as module
from tests.commands.batches import folder, run, start, write
from tests.effort import effort
from tests.provisioning.samples import DOMAIN, EXAMPLES

__all__ = ['folder']


def test_a_folder_and_what_is_not_a_form_in_it(folder: Path) -> None:
    write(folder, 3)
    (folder / '0001.json').write_text('{', encoding='utf-8')
    (folder / 'readers.csv').write_text('email,name\n', encoding='utf-8')
    (folder / 'README.txt').write_text('Forms.', encoding='utf-8')
    (folder / '.hidden.yaml').touch()
    (folder / 'old.yaml').mkdir()
    result = run('provision', folder)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f'{folder}/.hidden.yaml: skipped, not a form',
        f'{folder}/README.txt: skipped, not a form',
        f'{folder}/old.yaml: skipped, a folder in a folder',
        f'{folder}/readers.csv: skipped, people, not forms',
    ]
    lines = result.stdout.splitlines()
    assert [line for line in lines if line.startswith(str(folder))] == [
        f'{folder}/0000.json: created (list0@{DOMAIN}, REQ0)',
        f'{folder}/0001.json: invalid',
        f'{folder}/0002.json: created (list2@{DOMAIN}, REQ2)',
    ]
    assert lines[-4:] == [
        '3 forms',
        '       2  created',
        '       1  invalid',
        f'          {folder}/0001.json',
    ]


def test_a_folder_without_forms(folder: Path) -> None:
    result = run('provision', folder)
    assert (result.exit_code, result.stderr) == (1, 'there are no forms\n')


def test_a_folder_that_cannot_be_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path) -> Iterator[Path]:
        raise PermissionError(13, 'Permission denied', str(self))

    # Not by its mode, which does not keep root out.
    monkeypatch.setattr(Path, 'iterdir', refuse)
    write(folder, 1)
    result = run('provision', folder / '0000.json', folder)
    assert (result.exit_code, result.stdout) == (2, '')
    assert result.stderr == f'{folder}: cannot be read: Permission denied\n'


def test_a_table_of_forms_in_a_folder_is_many(folder: Path) -> None:
    table = (EXAMPLES / 'list-request.csv').read_text(encoding='utf-8')
    head, row = table.splitlines()
    (folder / 'workgroup.csv').write_text('reader@example.org\n', encoding='utf-8')
    rows = (row.replace('hqr-updates', name) for name in ('one', 'two'))
    (folder / 'many.csv').write_text('\n'.join([head, *rows]), encoding='utf-8')
    result = run('provision', folder)
    assert result.stdout.splitlines()[-2:] == ['2 forms', '       2  created']


def test_a_line_of_json_as_each_form_is_done(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, 3)
    lines: list[int] = []
    real = module.apply_form

    def count(*args: Any, **kws: Any) -> Any:
        lines.append(len(sys.stdout.getvalue().splitlines()))  # type: ignore[attr-defined]
        return real(*args, **kws)

    monkeypatch.setattr(module, 'apply_form', count)
    out = CliRunner()
    with out.isolation() as (stdout, *_):
        sys.stdout.getvalue = lambda: stdout.getvalue().decode()  # type: ignore
        with pytest.raises(SystemExit) as ended:
            qnet.main(['provision', '--json', str(folder)], standalone_mode=False)
        printed = stdout.getvalue().decode()
    assert ended.value.code == 0
    assert lines == [0, 1, 2]
    found = [json.loads(line) for line in printed.splitlines()]
    assert [each['file'] for each in found] == [
        f'{folder}/{n:04}.json' for n in (0, 1, 2)
    ]
    assert {each['result'] for each in found} == {'created'}


def test_a_ticket_of_many_lists_is_told_of_in_a_few_words(folder: Path) -> None:
    write(folder, 6, ticket='REQ1')
    lines = run('provision', folder).stdout.splitlines()
    told = [line for line in lines if 'has also made' in line]
    assert told[-1] == (
        f'  note: the ticket REQ1 has also made list0.{DOMAIN}, list1.{DOMAIN}, '
        f'list2.{DOMAIN} and more'
    )


def test_a_form_costs_the_same_however_many_lists_there_are(folder: Path) -> None:
    write(folder, 12)
    counts: list[int] = []
    for number in range(12):
        with effort() as spent:
            assert run('provision', folder / f'{number:04}.json').exit_code == 0
        counts.append(len(spent.statements))
    # The first makes the domain, and the users whom the others find.
    assert len(set(counts[1:])) == 1


# ------------------------------------------------------------------- terminal


def on_a_terminal(core: SimpleNamespace, *arguments: Any, **how: Any) -> str:
    """What the command shows on a terminal."""
    terminal, end = pty.openpty()
    process = start(core, *arguments, stderr=end, **how)
    os.close(end)
    shown = b''.join(_read(terminal))
    process.wait(timeout=600)
    os.close(terminal)
    return shown.decode()


def _read(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            return
        yield part


def test_a_bar_where_somebody_looks_and_nowhere_else(
    core: SimpleNamespace, folder: Path
) -> None:
    write(folder, 3)
    out = (folder / 'out').open('w+b')
    assert '3/3' in on_a_terminal(core, folder, stdout=out)
    out.seek(0)
    printed = out.read().decode()
    assert printed.endswith('3 forms\n       3  created\n')
    assert '\x1b' not in printed
    assert on_a_terminal(core, '--json', folder / '0000.json', stdout=out) == ''
