# SPDX-License-Identifier: GPL-3.0-or-later
"""Many forms with one command (R30): stopped anywhere, run again, everything once."""

from __future__ import annotations

import itertools
import json
import os
import pty
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.mta import postfix
from sqlalchemy import event
from zope.component import getUtility

from qnet_mailman.commands import provision as module
from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.forms.schema import Document, validate
from qnet_mailman.mta import list_map
from qnet_mailman.provisioning import apply as apply_module
from qnet_mailman.runners import task
from tests.effort import database_away, effort
from tests.helpers import queued
from tests.provisioning.samples import DOMAIN, EXAMPLES, data

KILLED = 9
PEOPLE = (
    'pat@agency.example.gov',
    'sam@agency.example.gov',
    'mo@example.org',
    'rae@agency.example.gov',
)
"""Who gets a mail about each list."""


def run(*arguments: Any) -> Result:
    result = CliRunner().invoke(qnet, [str(each) for each in arguments])
    assert isinstance(result.exception, SystemExit | None), result.exc_info
    return result


@pytest.fixture
def folder(core: SimpleNamespace, tmp_path: Path) -> Path:
    return tmp_path


def write(folder: Path, count: int, *, first: int = 0, **changes: Any) -> None:
    """Write forms, each for a list of its own."""
    for number in range(first, first + count):
        name = {'ticket': f'REQ{number}', 'list__name': f'list{number}'}
        form = data(**{**name, **changes})
        (folder / f'{number:04}.json').write_text(json.dumps(form), encoding='utf-8')


def require_everything_once(count: int) -> None:
    """Every list is there, and everybody has one mail about each."""
    config.db.abort()
    wanted = {f'list{number}@{DOMAIN}' for number in range(count)}
    names = list(getUtility(IListManager).names)
    assert sorted(names) == sorted(wanted)
    for name in names:
        mlist = getUtility(IListManager).get(name)
        assert mlist.members.member_count == 2
    mails = Counter(
        (recipient.lower(), msgdata['listid'])
        for message, msgdata in queued('virgin')
        for recipient in msgdata['recipients']
    )
    assert mails == {
        (person, f'list{number}.{DOMAIN}'): 1
        for person in PEOPLE
        for number in range(count)
    }


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


# ------------------------------------------------------------------- stopping


def test_the_database_goes_away_in_the_middle(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, 5)
    real = apply_module.make_list
    calls: list[int] = []

    def go_away(*args: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            gone.enter_context(database_away())
        return real(*args)

    with monkeypatch.context() as patch, ExitStack() as gone:
        patch.setattr(apply_module, 'make_list', go_away)
        result = run('provision', folder)
    config.db.store.close()
    assert result.exit_code == 2
    assert result.stderr == (
        'the database cannot be used: connection refused; run the same command again '
        'for the forms that were not done\n'
    )
    assert result.stdout.splitlines()[-5:] == [
        '5 forms',
        '       2  created',
        '       1  failed',
        f'          {folder}/0002.json',
        '       2  not tried',
    ]
    again = run('provision', '--json', folder)
    assert again.exit_code == 0
    outcomes = [json.loads(line)['result'] for line in again.stdout.splitlines()]
    assert outcomes == ['unchanged'] * 2 + ['created'] * 3
    require_everything_once(5)


def start(core: SimpleNamespace, *arguments: Any, **how: Any) -> Any:
    """Start the command as an operator does."""
    config.db.commit()
    config.db.store.close()
    config.db.engine.dispose()
    script = Path(sys.executable).with_name('mailman')
    root = ['--run-as-root'] if os.geteuid() == 0 else []
    return subprocess.Popen(
        [script, '-C', core.cfg, *root, 'qnet', 'provision', *arguments], **how
    )


@pytest.mark.long
def test_a_process_killed_again_and_again(core: SimpleNamespace, folder: Path) -> None:
    write(folder, 20)
    chance = random.Random(7)
    for _ in range(4):
        process = start(core, '--json', folder, stdout=subprocess.PIPE)
        # Once it is at work, after some forms and anywhere in the next.
        for _ in range(chance.randint(1, 4)):
            process.stdout.readline()
        # Nothing is awaited: no place of the work is safer than another.
        time.sleep(chance.random() * 0.1)
        process.kill()
        process.communicate()
    process = start(core, '--json', folder, stdout=subprocess.PIPE)
    printed, _ = process.communicate(timeout=6000)
    assert (process.returncode, len(printed.splitlines())) == (0, 20)
    require_everything_once(20)


def test_ctrl_c_says_how_far_it_got(core: SimpleNamespace, folder: Path) -> None:
    write(folder, 20)
    pipes = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, 'text': True}
    # Whoever runs the tests in the background has it ignored.
    listens = {'preexec_fn': lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    process = start(core, '--json', folder, **pipes, **listens)
    process.stdout.readline()
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=600)
    done = 2 + len(out.splitlines())
    assert process.returncode == 130
    assert err.splitlines()[-1] == (
        f'interrupted: {done} of 20 forms are done; run the same command again for the '
        'rest'
    )
    assert 'Traceback' not in err
    again = [
        json.loads(x) for x in run('provision', '--json', folder).stdout.splitlines()
    ]
    assert len(again) == 20
    require_everything_once(20)


class Points:
    """Counts what changes something outside this process, and dies at one of them."""

    def __init__(self, die_at: int) -> None:
        self.seen = 0
        self._die_at = die_at

    def reach(self, *args: Any) -> None:
        self.seen += 1
        if self.seen == self._die_at:
            os._exit(KILLED)

    def audit(self, name: str, args: Any) -> None:
        if name in ('os.rename', 'os.remove', 'os.mkdir', 'os.rmdir') or (
            name == 'open' and '/queue/' in str(args[0]) and 'r' not in str(args[1])
        ):
            self.reach()


def provision_in_a_process(form: Path, die_at: int) -> int:
    """Provision in a process of its own, which is killed at a point.

    :return: Its exit status.
    """
    config.db.commit()
    config.db.store.close()
    config.db.engine.dispose()
    child = os.fork()
    if not child:
        points = Points(die_at)
        sys.addaudithook(points.audit)
        event.listen(config.db.engine, 'commit', points.reach)
        status = 7
        try:
            status = CliRunner().invoke(qnet, ['provision', str(form)]).exit_code
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_killed_at_any_point(folder: Path) -> None:
    for number in itertools.count():
        write(folder, 1, first=number)
        form = folder / f'{number:04}.json'
        status = provision_in_a_process(form, number)
        if number and status == 0:
            break
        assert status == (KILLED if number else 0)
        assert provision_in_a_process(form, 0) == 0
    require_everything_once(number + 1)
    assert number > 20


# ---------------------------------------------------- the map of the mail server


@pytest.fixture
def postfix_map(core: SimpleNamespace) -> Iterator[Path]:
    """Mailman writes Postfix's maps."""
    configuration = core.var / 'postfix.cfg'
    configuration.write_text(
        '[postfix]\ntransport_file_type: regex\n', encoding='utf-8'
    )
    core.config.push(
        'postfix',
        '[mta]\nincoming: qnet_mailman.mta.postfix.LMTP\n'
        f'lmtp_port: 8024\nconfiguration: {configuration}\n',
    )
    folder = Path(core.config.DATA_DIR)
    yield folder / 'postfix_lmtp'
    core.config.pop('postfix')
    for path in [*folder.glob('postfix_*'), *folder.glob('qnet-map-*')]:
        path.unlink()


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
