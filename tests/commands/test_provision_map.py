# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail server's map while many forms are applied."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from mailman.mta import postfix

from qnet_mailman.forms.schema import Document, validate
from qnet_mailman.mta import list_map
from qnet_mailman.provisioning import apply as apply_module
from qnet_mailman.runners import task
from tests.commands.batches import folder, run, write
from tests.provisioning.applying import postfix_map
from tests.provisioning.samples import DOMAIN, data

__all__ = ['folder', 'postfix_map']


@pytest.fixture
def writings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often the map was written."""
    real = postfix.LMTP.regenerate
    calls: list[int] = []

    def count(self: Any, directory: Any = None) -> None:
        calls.append(1)
        real(self, directory)

    monkeypatch.setattr(postfix.LMTP, 'regenerate', count)
    return calls


def mapped(path: Path) -> set[str]:
    """The lists whose posting addresses the mail server knows."""
    found = re.findall(r'/\^(list\d+)@', path.read_text(encoding='utf-8'))
    return set(found)


def test_the_map_is_written_at_the_beginning_and_at_the_end(
    folder: Path, postfix_map: Path, writings: list[int]
) -> None:
    write(folder, 6)
    assert run('provision', folder).exit_code == 0
    assert mapped(postfix_map) == {f'list{number}' for number in range(6)}
    assert len(writings) == 2
    assert run('provision', folder).exit_code == 0
    assert len(writings) == 2


def test_the_map_is_written_once_in_a_while(
    folder: Path,
    postfix_map: Path,
    writings: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(list_map, 'EVERY', 0.0)
    monkeypatch.setattr(list_map, 'SHARE', 0)
    write(folder, 4)
    assert run('provision', folder).exit_code == 0
    assert len(writings) == 4
    assert mapped(postfix_map) == {f'list{number}' for number in range(4)}


def test_a_killed_process_leaves_the_map_to_the_next(
    folder: Path, postfix_map: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, 4)
    with monkeypatch.context() as patch:
        # As a killed process, which does not come to its end.
        patch.setattr(list_map.Gathering, 'finish', lambda self: None)
        run('provision', folder)
    assert run('provision', '--dry-run', folder).exit_code == 0
    assert mapped(postfix_map) == {'list0'}
    form = data(ticket='OTHER', list__name='list0', list__type='discussion')
    apply_module.apply_form(
        validate(Document(form), default_domain=DOMAIN), actor='test'
    )
    assert mapped(postfix_map) == {f'list{number}' for number in range(4)}


def apply(number: int, *, more: bool) -> None:
    form = data(ticket=f'REQ{number}', list__name=f'list{number}')
    with apply_module.many_forms(more=more):
        apply_module.apply_form(
            validate(Document(form), default_domain=DOMAIN), actor='test'
        )


def test_requests_in_a_row_have_the_map_written_together(
    postfix_map: Path, writings: list[int]
) -> None:
    for number in range(4):
        apply(number, more=True)
    assert (len(writings), mapped(postfix_map)) == (1, {'list0'})
    apply(4, more=False)
    assert mapped(postfix_map) == {f'list{number}' for number in range(5)}
    assert len(writings) <= 3


def test_the_task_runner_writes_the_map_that_nobody_does(
    postfix_map: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = task.TaskRunner('task')
    for number in range(2):
        apply(number, more=True)
    runner._do_periodic()
    assert mapped(postfix_map) == {'list0'}
    (postfix_map.parent / list_map.PAUSE).unlink()
    monkeypatch.setattr(list_map, 'ABANDONED', -1.0)
    with monkeypatch.context() as patch:
        # `postmap` is not there.
        patch.setattr(postfix.LMTP, 'regenerate', lambda self: 1 / 0)
        runner._do_periodic()
    assert mapped(postfix_map) == {'list0'}
    runner._do_periodic()
    assert mapped(postfix_map) == {'list0', 'list1'}
    assert not list_map.is_abandoned()


def test_a_map_that_cannot_be_written_at_the_end(
    folder: Path, postfix_map: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, 3)

    def fail(self: Any) -> None:
        raise PermissionError(13, 'Permission denied')

    real = list_map.Gathering.made
    with monkeypatch.context() as patch:

        def made(self: Any, mlist: Any) -> None:
            real(self, mlist)
            patch.setattr(postfix.LMTP, 'regenerate', fail)

        patch.setattr(list_map.Gathering, 'made', made)
        result = run('provision', folder)
    assert result.exit_code == 2
    assert 'the map of the mail server could not be written' in result.stderr
    assert run('provision', folder).exit_code == 0
    assert mapped(postfix_map) == {f'list{number}' for number in range(3)}
