# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of a site, and that plain Mailman runs with it."""

from __future__ import annotations

import os
import smtplib
import sqlite3
import stat
import sys
from configparser import RawConfigParser
from pathlib import Path

import pytest

from qnet_mailman.demo.configuration import check_folder, merge
from qnet_mailman.demo.processes import DemoError, TimedOut, group_is_alive
from qnet_mailman.demo.site import Site

# Mailman 3.3.10 by itself finds none of its templates on Python 3.13.
stock_works = pytest.mark.skipif(
    sys.version_info >= (3, 13), reason='plain Mailman 3.3.10 fails on Python 3.13'
)

MESSAGE = b"""\
From: Ann <ann@example.org>
To: news@lists.example.gov
Subject: Plain Mailman
Message-ID: <one@example.org>

Hello.
"""


def read(path: Path) -> RawConfigParser:
    parser = RawConfigParser()
    assert parser.read(path)
    return parser


def test_later_values_replace_earlier_ones_key_by_key() -> None:
    merged = RawConfigParser()
    merged.read_string(
        merge(
            '[a]\nx: 1\ny: 2\n# [b]\n[c]\nlong: one\n two\n',
            {'a': {'x': '3'}, 'd': {'z': '$DATA_DIR/%x'}},
            '[a]\ny = 4\n',
        )
    )
    assert merged.sections() == ['a', 'c', 'd']
    assert dict(merged['a']) == {'x': '3', 'y': '4'}
    assert merged['c']['long'] == 'one\ntwo'
    assert merged['d']['z'] == '$DATA_DIR/%x'


@pytest.mark.parametrize('name', ['a$b', 'a%b', 'what?', 'no#1', 'two\nlines'])
def test_folders_that_mailman_cannot_use_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match='Mailman cannot work'):
        check_folder(Path('/tmp') / name)


def test_the_package_configuration_is_the_base(tmp_path: Path) -> None:
    site = Site(
        tmp_path / 'a folder',
        extra_cfg='[mta]\nmax_recipients: 7\n[runner.in]\nsleep_time: 9s\n',
        qnet_cfg_overrides={'max_message_size': '1 MB'},
    )
    site.write_configuration()
    mailman = read(site.mailman_cfg)
    assert mailman['plugin.qnet']['class'] == 'qnet_mailman.plugin.QNetPlugin'
    assert mailman['plugin.qnet']['configuration'] == str(site.qnet_cfg)
    assert mailman['mta']['max_recipients'] == '7'
    assert mailman['runner.in']['sleep_time'] == '9s'
    assert mailman['mta']['incoming'] == 'mailman.mta.null.NullMTA'
    qnet = read(site.qnet_cfg)['qnet']
    assert qnet['domain'] == 'lists.example.gov'
    assert qnet['poster_authentication'] == 'off'
    assert qnet['max_message_size'] == '1 MB'
    assert qnet['web_url'] == site.web_url


def test_passwords_are_new_each_time_and_only_ours_to_read(tmp_path: Path) -> None:
    first, second = Site(tmp_path / '1'), Site(tmp_path / '2')
    first.write_configuration()
    for name in ('rest_password', 'archiver_key', 'web_password'):
        assert getattr(first, name) != getattr(second, name)
    assert stat.S_IMODE(first.folder.stat().st_mode) == 0o700
    for path in first.etc.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_environment_of_others_stays_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ('MAILMAN_VAR_DIR', 'PYTHONPATH', 'HTTP_PROXY', 'PIP_USER'):
        monkeypatch.setenv(name, '/elsewhere')
    environment = Site(tmp_path).environment()
    assert '/elsewhere' not in environment.values()
    assert environment['PYTHONNOUSERSITE'] == '1'


@stock_works
@pytest.mark.long
def test_plain_mailman_takes_and_delivers_a_message(tmp_path: Path) -> None:
    with Site(tmp_path / 'with space', web=False, stock=True) as site:
        groups = [site.core.pid, site._sink.pid]
        with pytest.raises(DemoError, match='Another site runs'):
            Site(site.folder, web=False, stock=True).start()
        site.mailman('create', '-d', 'news@lists.example.gov', check=True)
        for address in ('ann@example.org', 'bob@example.net', 'gone@example.net'):
            answer = site.rest(
                'POST',
                'members',
                {
                    'list_id': 'news.lists.example.gov',
                    'subscriber': address,
                    'pre_verified': True,
                    'pre_confirmed': True,
                    'pre_approved': True,
                },
            )
            assert answer.status_code == 201, answer.text
        site.rest(
            'PATCH',
            'lists/news.lists.example.gov/config',
            {'default_member_action': 'accept'},
        )
        site.wait_idle()
        site.refuse({'gone@example.net': '550 5.1.1 No such user'})
        site.lmtp_send('ann@example.org', 'news@lists.example.gov', MESSAGE)
        [mail] = site.delivered(lambda mail: 'Plain Mailman' in mail.subject)
        assert 'bob@example.net' in mail.recipients
        assert 'gone@example.net' not in mail.recipients
        with pytest.raises(smtplib.SMTPException):
            site.lmtp_send('a@example.org', 'nobody@lists.example.gov', MESSAGE)
        with pytest.raises(TimedOut, match='Plain Mailman'):
            site.delivered(lambda mail: 'Never' in mail.subject, timeout=0.2)
        with pytest.raises(DemoError, match='no-such'):
            site.mailman('no-such-command', check=True)
        # Mail that was taken survives a kill.
        site.kill_core()
        site.start_core()
        assert site.rest('GET', 'lists').json()['total_size'] == 1
    for group in groups:
        assert group is not None
        assert not group_is_alive(group)
    # Read back what is set in the file for good.
    with sqlite3.connect(site.var / 'data/mailman.db') as connection:
        assert connection.execute('PRAGMA journal_mode').fetchone() == ('wal',)


def test_a_core_that_cannot_start_leaves_nothing_running(tmp_path: Path) -> None:
    site = Site(
        tmp_path, web=False, stock=True, extra_cfg='[database]\nclass: no.such.Thing\n'
    )
    with pytest.raises(DemoError, match='No module named'):
        site.start()
    assert not site.core.is_running()
    assert not site._sink.is_running()


@pytest.mark.skipif(os.geteuid() != 0, reason='only root needs --run-as-root')
def test_the_command_works_as_root(tmp_path: Path) -> None:
    site = Site(tmp_path, web=False, stock=True)
    site.write_configuration()
    assert site.mailman('version', check=True).stdout.startswith('GNU Mailman 3.3.10')
