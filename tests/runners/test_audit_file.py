# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit log as a file for a log server: each row, in order, at least once (R31)."""

from __future__ import annotations

import json
import re
import shutil
import socket
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from mailman.config import config

from qnet_mailman import site
from qnet_mailman.demo.configuration import ROOT
from qnet_mailman.health import audit_log
from qnet_mailman.model import seals
from qnet_mailman.model.audit import Action, record
from qnet_mailman.runners import audit_file
from tests.clock import Clock

RSYSLOG = shutil.which('rsyslogd') or shutil.which('rsyslogd', path='/usr/sbin')
PATIENCE = 300
"""Seconds, on a slow machine."""
MOMENT = datetime(2027, 3, 14, 6, 59, 59)
AUTHOR = 'sam@agency.example.gov'

pytestmark = pytest.mark.usefixtures('core')


@pytest.fixture
def path(core: Any, tmp_path: Path, clock: Clock) -> Iterator[Path]:
    """Where the site wants the file."""
    clock.moment = MOMENT
    path, settings = tmp_path / 'audit.jsonl', site.settings()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site._state, 'settings', replace(settings, audit_file=path))
        yield path


def write(*subjects: str) -> None:
    for subject in subjects:
        record(Action.key_made, None, subject)
    config.db.commit()


def seal() -> None:
    seals.seal(tell=audit_file.tell)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(each) for each in path.read_text().splitlines()]


def test_each_row_once_with_its_seal(path: Path) -> None:
    write('a', 'b')
    audit_file.seal_due(MOMENT)
    config.db.commit()
    write('c')
    audit_file.log_end(MOMENT)
    config.db.commit()
    found = lines(path)
    assert [(each['subject'], each['seal']) for each in found] == [
        ('a', 1),
        ('b', 2),
        ('c', 3),
    ]
    assert found[-1]['digest'] == seals.checkpoint().digest
    assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0


def test_who_sent_a_masked_post_is_not_in_it(path: Path) -> None:
    record(Action.post_masked, 'a.lists.example.gov', '<x@y>', actor=AUTHOR)
    config.db.commit()
    seal()
    [line] = lines(path)
    assert line['hidden'] and AUTHOR not in str(line)


def test_what_was_not_committed_is_written_again(path: Path) -> None:
    write('a')
    seal()
    config.db.abort()
    write('b')
    seal()
    config.db.commit()
    assert [each['subject'] for each in lines(path)] == ['a', 'a', 'b']


def test_rows_wait_for_a_file_that_cannot_be_written(path: Path, clock: Clock) -> None:
    path.mkdir()
    write('a')
    with pytest.raises(OSError):
        seal()
    config.db.abort()
    assert seals.checkpoint().count == 0 and list(audit_log.sealed()) == []
    clock.forward(hours=2)
    [found] = audit_log.sealed()
    assert found.level == 'error' and 'since March 14, 2027, 06:59 UTC' in found.text
    path.rmdir()
    seal()
    config.db.commit()
    assert [each['subject'] for each in lines(path)] == ['a']
    assert list(audit_log.sealed()) == []


def test_half_a_line_of_before_spoils_none(path: Path) -> None:
    path.write_text('{"subject": "a", "de')
    write('a')
    seal()
    config.db.commit()
    broken, whole = path.read_text().splitlines()
    assert json.loads(whole)['subject'] == 'a' and broken.endswith('"de')


def test_a_file_that_was_moved_is_made_anew(path: Path) -> None:
    write('a')
    seal()
    path.rename(path.with_suffix('.1'))
    write('b')
    seal()
    config.db.commit()
    assert [each['subject'] for each in lines(path)] == ['b']


@pytest.mark.skipif(not RSYSLOG, reason='needs rsyslogd: apt-get install rsyslog')
def test_rsyslog_hands_each_line_on(path: Path, tmp_path: Path) -> None:
    """With the file that is shipped, but for TLS, in the form of RFC 5424."""
    with socket.create_server(('127.0.0.1', 0)) as server:
        text = (ROOT / 'etc/rsyslog/qnet-audit.conf').read_text('utf-8')
        text = re.sub(r'(?m)^ *streamDriver.*\n', '', text)
        for old, new in (
            ('/var/log/qnet-mailer/audit.jsonl', str(path)),
            ('logs.example.gov', '127.0.0.1'),
            ('6514', str(server.getsockname()[1])),
        ):
            assert old in text
            text = text.replace(old, new)
        conf = tmp_path / 'rsyslog.conf'
        conf.write_text(f'global(workDirectory="{tmp_path}")\n{text}', 'utf-8')
        pid = tmp_path / 'pid'
        started = [str(RSYSLOG), '-n', '-f', str(conf), '-i', str(pid)]
        process = subprocess.Popen(started)
        try:
            write('a', 'b')
            seal()
            config.db.commit()
            server.settimeout(PATIENCE)
            connection, _from = server.accept()
            with connection, connection.makefile('r') as lines_there:
                connection.settimeout(PATIENCE)
                found = [lines_there.readline() for _ in range(2)]
        finally:
            process.terminate()
            process.wait()
    for line, subject in zip(found, 'ab', strict=True):
        head, brace, rest = line.partition('{')
        # <priority>version, and the tag.
        assert head.startswith('<181>1 ') and 'qnet-audit' in head
        assert json.loads(brace + rest)['subject'] == subject
