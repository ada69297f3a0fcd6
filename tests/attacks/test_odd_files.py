# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder in which somebody has left what is no form: the forms in it are applied."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from mailman.interfaces.listmanager import IListManager
from zope.component import getUtility

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.forms import batch, loading
from tests.provisioning.samples import DOMAIN, data

#: Names of good forms: as long as a file system takes, with what no terminal should
#: see, and with a byte that is no text.
NAMES = ('first.json', 'n' * 250 + '.json', 'with\nlines\x1b[2J.json', 'z.JSON')
UNDECODABLE = os.fsdecode(b'not-\xff-text.json')


def run(*arguments: Any) -> Result:
    result = CliRunner().invoke(qnet, [str(each) for each in arguments])
    assert isinstance(result.exception, SystemExit | None), result.exc_info
    return result


def a_form(number: int, **changes: Any) -> str:
    form = {'ticket': f'REQ{number}', 'list__name': f'list{number}', **changes}
    return json.dumps(data(**form))


def fill(folder: Path) -> list[str]:
    """Put good forms and all kinds of other things into a folder.

    :return: The names of the good ones.
    """
    good = list(NAMES)
    try:
        (folder / UNDECODABLE).touch()
    except OSError:
        # A file system of text.
        pass
    else:
        good.append(UNDECODABLE)
    for number, name in enumerate(good):
        (folder / name).write_text(a_form(number), encoding='utf-8')
    for name in ('x.csv', 'x.yaml'):
        (folder / name).mkdir()
    (folder / 'people.csv').mkdir()
    for number, people in enumerate(('people.csv', 'y' * 300 + '.csv', 'a/b.csv'), 90):
        form = a_form(number, subscribers=people)
        (folder / f'subscribers{number}.json').write_text(form, encoding='utf-8')
    os.mkfifo(folder / 'pipe.yaml')
    os.mkfifo(folder / 'pipe.csv')
    (folder / 'zero.pdf').symlink_to('/dev/zero')
    (folder / 'gone.yaml').symlink_to('nowhere.yaml')
    (folder / 'gone.csv').symlink_to('nowhere.csv')
    (folder / 'loop.xlsx').symlink_to('loop.xlsx')
    for suffix in batch.SUFFIXES:
        (folder / f'empty{suffix}').touch()
        (folder / f'binary{suffix}').write_bytes(bytes(range(256)))
    return good


def lists() -> set[str]:
    return set(getUtility(IListManager).names)


@pytest.fixture
def folder(core: SimpleNamespace, tmp_path: Path) -> Path:
    folder = tmp_path / 'forms'
    folder.mkdir()
    return folder


def test_the_good_ones_are_applied(folder: Path) -> None:
    good = fill(folder)
    result = run('provision', folder)
    assert result.exit_code == 1, result.output
    assert lists() == {f'list{number}@{DOMAIN}' for number in range(len(good))}
    assert '\x1b' not in result.output
    for name in ('gone.yaml', 'gone.csv', 'loop.xlsx', 'subscribers91.json'):
        assert f'{folder}/{name}: invalid' in result.stdout
    for name in ('pipe.yaml', 'pipe.csv', 'zero.pdf'):
        assert f'{folder}/{name}: skipped, not a file' in result.stderr
    for name in ('x.csv', 'x.yaml', 'people.csv'):
        assert f'{folder}/{name}: skipped, a folder in a folder' in result.stderr
    again = run('provision', folder)
    assert again.exit_code == 1
    assert f'{len(good):>8}  unchanged' in again.stdout


@pytest.mark.parametrize('option', ['--dry-run', '--json', '--diff'])
def test_with_every_option(folder: Path, option: str) -> None:
    fill(folder)
    assert run('provision', option, folder).exit_code in (1, 2)


@pytest.mark.parametrize(
    'name', ['x' * 300 + '.json', 'x' * 300, 'a/' * 3000 + 'b.csv']
)
def test_a_name_that_is_too_long(folder: Path, name: str) -> None:
    (folder / 'first.json').write_text(a_form(0), encoding='utf-8')
    result = run('provision', folder / name, folder)
    assert result.exit_code == 1
    assert lists() == {f'list0@{DOMAIN}'}


@pytest.mark.parametrize('special', ['pipe.yaml', 'folder.yaml', 'socket.yaml'])
def test_named_by_itself(folder: Path, special: str) -> None:
    (folder / 'first.json').write_text(a_form(0), encoding='utf-8')
    path = folder / special
    if special.startswith('pipe'):
        os.mkfifo(path)
    elif special.startswith('folder'):
        path.mkdir()
    else:
        with socket.socket(socket.AF_UNIX) as bound:
            here = os.open(folder, os.O_RDONLY)
            # The names of sockets are short.
            bound.bind(f'/proc/self/fd/{here}/{special}')
            os.close(here)
    assert run('provision', path, folder / 'first.json').exit_code in (0, 1)
    assert lists() == {f'list0@{DOMAIN}'}


def test_files_that_go_while_it_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking into the folder and reading a form."""
    for number in range(3):
        (folder / f'{number}.json').write_text(a_form(number), encoding='utf-8')
    stock = batch.find_forms

    def find_forms(names: Any) -> Any:
        found = stock(names)
        (folder / '0.json').unlink()
        (folder / '1.json').unlink()
        (folder / '1.json').mkdir()
        return found

    monkeypatch.setattr(batch, 'find_forms', find_forms)
    result = run('provision', folder)
    assert result.exit_code == 1
    assert f'{folder}/0.json: invalid\n  cannot be read: No such file' in result.stdout
    assert f'{folder}/1.json: invalid\n  cannot be read: ' in result.stdout
    assert lists() == {f'list2@{DOMAIN}'}


def test_a_folder_that_nobody_may_look_into(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its names can be read, and nothing about them."""
    for number in range(2):
        (folder / f'{number}.json').write_text(a_form(number), encoding='utf-8')
    stock = Path.stat

    def refuse(self: Path, **how: Any) -> os.stat_result:
        if self.name == '0.json':
            raise PermissionError(13, 'Permission denied', str(self))
        return stock(self, **how)

    # Not by its mode, which does not keep root out.
    monkeypatch.setattr(Path, 'stat', refuse)
    assert run('provision', folder).exit_code in (0, 1)
    assert f'list1@{DOMAIN}' in lists()


def test_a_reader_that_fails(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(2):
        (folder / f'{number}.json').write_text(a_form(number), encoding='utf-8')
    stock = loading.load_all

    def load_all(path: Path, settings: Any) -> Iterator[Any]:
        if path.name == '0.json':
            raise RecursionError
        return stock(path, settings)

    monkeypatch.setattr(loading, 'load_all', load_all)
    result = run('provision', folder)
    assert result.exit_code == 1
    assert f'{folder}/0.json: invalid\n  cannot be read; the reason' in result.stdout
    assert lists() == {f'list1@{DOMAIN}'}
