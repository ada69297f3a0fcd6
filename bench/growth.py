# SPDX-License-Identifier: GPL-3.0-or-later
"""What gets slower as a site grows: members, lists, and rows that nobody removes.

Usage: ``python -m bench.growth [--million]``.

Ours alone, on SQLite, in CPU seconds: of an import and a fan-out for each member, with
ten times as many members at a time (``--million``: up to a million), and of a post's
intake, a form, ``mailman qnet check`` and pages, with more lists, and with 100,000 more
rows in each table that only grows.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path
from typing import Any

from bench import fan_out, forms, hosts, import_members
from bench.commits import HERE
from bench.rows import Row, show

BOUND = 1.1
ROWS = 100_000
FEW = 1000
"""Rows that fill a page, so that it has as much to show as one of many."""
TIMES = 15
"""How often each work is done; the median counts."""
DOMAIN = 'mailer.example.org'
FIRST = f'page-0@{DOMAIN}'


# --------------------------------------------------------------------- a large site


def make_lists(folder: Path, count: int) -> None:
    """Make one list from a form, and the others as copies of its rows."""
    from mailman.config import config
    from mailman.model.mailinglist import MailingList
    from sqlalchemy import func, insert, select

    from qnet_mailman.model.lists import QNetList
    from qnet_mailman.model.people import QNetAssignment, QNetPoster

    forms.provision(folder, 1)
    store = config.db.store
    store.add(QNetPoster(list_id=FIRST.replace('@', '.'), email=forms.OWNER))
    store.flush()
    for table, names in (
        (MailingList.__table__, ('list_name', 'list_id')),
        (QNetList.__table__, ('list_id',)),
        (QNetAssignment.__table__, ('list_id',)),
    ):
        columns = [each for each in table.columns if each.name != 'id']
        for number in range(1, count):
            chosen = [
                func.replace(each, 'page-0', f'page-{number}')
                if each.name in names
                else each
                for each in columns
            ]
            store.execute(
                insert(table).from_select(
                    [each.name for each in columns],
                    select(*chosen).where(
                        table.c[names[-1]] == FIRST.replace('@', '.')
                    ),
                )
            )
    config.db.commit()


def fill(name: str, count: int) -> None:
    """Add rows to a table of ours, as of other lists and of the last years."""
    from mailman.config import config
    from sqlalchemy import Boolean, Date, DateTime, Integer

    from qnet_mailman.model import bulk
    from qnet_mailman.model.base import Base, tables_of_a_list

    tables_of_a_list()
    table: Any = Base.metadata.tables[name]
    columns = [each for each in table.columns if each.name != 'id']

    def value(column: Any, number: int) -> Any:
        then = datetime(2026, 1, 1) - timedelta(minutes=number)
        fixed = {'detail': '{}', 'action': 'setting_changed', 'list_id': 'gone.example'}
        for kind, made in (
            (DateTime, then.isoformat(' ', 'microseconds')),
            (Date, date.min.replace(year=2020).isoformat()),
            (Boolean, 0),
            (Integer, number),
        ):
            if isinstance(column.type, kind):
                return made
        return fixed.get(column.name, f'grown-{number}')

    rows = (tuple(value(each, number) for each in columns) for number in range(count))
    bulk.write(table, [each.name for each in columns], rows)
    config.db.commit()


GROWING = (
    'qnet_audit',
    'qnet_bounce',
    'qnet_earlier_copy',
    'qnet_handover',
    'qnet_post',
    'qnet_form',
    'qnet_request',
    'qnet_submission',
    'qnet_desk_event',
    'qnet_text',
)


# ---------------------------------------------------------------------------- works


def _post() -> Callable[[], object]:
    from mailman.config import config
    from mailman.interfaces.listmanager import IListManager
    from zope.component import getUtility

    runners = [fan_out._runner(name) for name in ('in', 'pipeline')]

    def work() -> None:
        mlist = getUtility(IListManager).get(FIRST)
        message = EmailMessage()
        message['From'], message['To'], message['Subject'] = forms.OWNER, FIRST, 'News'
        message['Message-ID'] = make_msgid()
        message.set_content('News.\n' * 500)
        content = message.as_bytes()
        config.switchboards['in'].enqueue(
            fan_out._parsed(content),
            listid=mlist.list_id,
            to_list=True,
            original_size=len(content),
        )
        for runner in runners:
            assert runner._one_iteration() == 1
        assert not config.switchboards['shunt'].files

    return work


def _form(folder: Path) -> Callable[[], object]:
    from click.testing import CliRunner

    from qnet_mailman.commands.cli_qnet import qnet

    head, row = forms.forms(1, forms.OWNER).splitlines()
    turns = iter(range(1_000_000, 2_000_000))

    def work() -> None:
        number = next(turns)
        table = folder / 'form.csv'
        line = row.replace('page-0', f'new-{number}').replace('R0', f'N{number}')
        table.write_text(f'{head}\n{line}\n', 'utf-8')
        done = CliRunner().invoke(qnet, ['provision', str(table)])
        assert done.exit_code == 0, done.output

    return work


def _command(*arguments: str) -> Callable[[], object]:
    from click.testing import CliRunner

    from qnet_mailman.commands.cli_qnet import qnet

    return lambda: CliRunner().invoke(qnet, arguments)


def _page(path: str) -> Callable[[], object]:
    from tests.rest.client import ask

    def work() -> None:
        answer = ask('GET', path)
        assert answer.status_code == 200, answer.text

    return work


def works(folder: Path) -> dict[str, Callable[[], object]]:
    """What is done on a site of any size."""
    list_id = FIRST.replace('@', '.')
    return {
        'intake of a post': _post(),
        'a form': _form(folder),
        'mailman qnet check': _command('check', '--no-mail'),
        'mailman qnet bounces LIST': _command('bounces', FIRST),
        'page of a list': _page(f'plugins/qnet/lists/{list_id}'),
        "page of a list's bounces": _page(f'plugins/qnet/lists/{list_id}/bounces'),
        'page of the audit log': _page('plugins/qnet/audit'),
        'page of requests': _page('plugins/qnet/forms'),
    }


def measure(folder: Path, name: str) -> None:
    """Do one of the works, and print the CPU of the median."""
    work = works(folder)[name]
    spent = []
    for _ in range(TIMES):
        before = hosts.cpu()
        work()
        spent.append(hosts.cpu() - before)
    hosts.say(statistics.median(spent[2:]))


# ----------------------------------------------------------------------------- rows


def _run(*arguments: str) -> dict[str, float]:
    return hosts.run(None, 'growth', *arguments, build=HERE)


def rows(most: int = 100_000) -> Iterator[Row]:
    """The larger beside the smaller."""
    yield from _of_members(most)
    names = [
        'intake of a post',
        'a form',
        'mailman qnet check',
        'page of a list',
    ]
    before = {name: _run('lists', '1', '0', name)['cpu'] for name in names}
    for count in (1000, 10_000):
        for name in names:
            after = _run('lists', str(count), '0', name)['cpu']
            yield Row(
                f'{name}, {count:,} lists', 'CPU s', after, before[name], '1', BOUND
            )
    for name in (
        *names,
        'mailman qnet bounces LIST',
        "page of a list's bounces",
        'page of the audit log',
        'page of requests',
    ):
        ours, theirs = (
            _run('lists', '10', str(count), name)['cpu'] for count in (ROWS, FEW)
        )
        work = f'{name}, {ROWS:,} rows more in each table that grows'
        yield Row(work, 'CPU s', ours, theirs, f'{FEW:,}', BOUND)


def _of_members(most: int) -> Iterator[Row]:
    for what in ('an import', 'a fan-out'):
        count, before = 1000, None
        while count <= most:
            found = _run(what, str(count))
            if before is not None:
                ours, theirs = found['cpu'] / count, before['cpu'] / (count / 10)
                work = f'{what}, {count:,} members: for each'
                yield Row(work, 'CPU s', ours, theirs, f'{count // 10:,}', BOUND)
                yield Row(
                    f'{what}, {count:,} members: memory',
                    'MB',
                    found['memory'],
                    before['memory'],
                    f'{count // 10:,}',
                    BOUND,
                )
            count, before = count * 10, found


def main() -> int:
    """Measure, or be one of those who are measured."""
    arguments = sys.argv[1:]
    if arguments in ([], ['--million']):
        return show(rows(1_000_000 if arguments else 100_000))
    _url, what, *rest = arguments
    if what == 'a fan-out':
        return fan_out_alone(int(rest[0]), *rest[1:])
    with hosts.host('ours') as folder:
        if what == 'an import':
            import_members.make_list('qnet-notification-public')
            import_members.write_export(folder / 'members.csv', int(rest[0]))
            hosts.report(lambda: import_members.take_in(folder))
        else:
            make_lists(folder, int(rest[0]))
            for table in GROWING if int(rest[1]) else ():
                fill(table, int(rest[1]))
            measure(folder, rest[2])
    return 0


def fan_out_alone(count: int, graph: str = '') -> int:
    """Make the copies of a post of 8 KB for so many members, and send them nowhere.

    :param graph: A file for a flame graph of that; needs `py-spy`.
    """
    with tempfile.TemporaryDirectory(prefix='qnet-bench-') as var:
        # The memory of who makes the list and its post is none of the runner's.
        begun = os.fork()
        if begun == 0:
            fan_out.prepare(Path(var), 1)
            ours = fan_out.Ours(fan_out.make_list(count), count)
            ours.enqueue(fan_out.messages()['8 KB'])
            os._exit(0)
        assert os.waitpid(begun, 0)[1] == 0
        fan_out.prepare(Path(var), 1)
        with _watched(graph):
            hosts.report(fan_out.make_copies)
    return 0


@contextmanager
def _watched(graph: str) -> Iterator[None]:
    if not graph:
        yield
        return
    how = ('--function', '--format', 'flamegraph', '--rate', '100', '--output', graph)
    with subprocess.Popen(
        ['py-spy', 'record', *how, '--pid', str(os.getpid())],
        # Its versions differ in where they say that they have begun.
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    ) as watcher:
        assert watcher.stdout is not None
        watcher.stdout.readline()
        yield
        watcher.send_signal(signal.SIGINT)
        watcher.communicate()


if __name__ == '__main__':
    sys.exit(main())
