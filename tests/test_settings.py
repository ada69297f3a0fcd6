# SPDX-License-Identifier: GPL-3.0-or-later
"""qnet.cfg: what is taken and what each mistake is answered with."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.settings import (
    KEYS,
    PosterAuthentication,
    Settings,
    SettingsError,
    load,
)

ROOT = Path(__file__).resolve().parent.parent
GOOD = 'domain = lists.example.gov\nsupport_address = help@example.gov\n'


def read(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / 'qnet.cfg'
    path.write_text(text, encoding='utf-8')
    return load(path)


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text)
    return [line.replace(f'{tmp_path}/', '') for line in caught.value.problems]


def test_the_file_that_is_shipped_is_right_and_tells_every_key() -> None:
    shipped = ROOT / 'etc' / 'qnet.cfg'
    settings = load(shipped)
    assert settings.poster_authentication is PosterAuthentication.confirm
    text = shipped.read_text(encoding='utf-8')
    for key in KEYS:
        assert f'\n{key} =' in text or f'\n#{key} =' in text, key


def test_the_defaults_that_the_shipped_file_tells_are_true(tmp_path: Path) -> None:
    text = (ROOT / 'etc' / 'qnet.cfg').read_text(encoding='utf-8')
    told = [
        line[1:]
        for line in text.splitlines()
        if line.startswith('#') and line[1:].split(' =')[0] in KEYS
    ]
    assert told
    # Examples, where the default is to have none.
    examples = ('web_url', 'forms_address', 'outside_mail_server', 'audit_file')
    examples += ('ticket_system_',)
    told = [line for line in told if not line.startswith(examples)]
    with_told = read(tmp_path, '[qnet]\n' + GOOD + '\n'.join(told))
    assert vars(with_told) == vars(read(tmp_path, '[qnet]\n' + GOOD))


def test_values_are_typed(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        '[qnet]\n' + GOOD + 'max_message_size = 500 KB\n'
        'post_confirmation_lifetime = 2w\ntime_zone = America/New_York\n'
        'trusted_authserv_ids = MX.example.gov, mx2.example.gov\n'
        'approver_required = yes\nweb_url = https://lists.example.gov/\n',
    )
    assert settings.max_message_size == 500 * 1024
    assert settings.post_confirmation_lifetime == timedelta(weeks=2)
    assert settings.time_zone.key == 'America/New_York'
    assert settings.trusted_authserv_ids == ('mx.example.gov', 'mx2.example.gov')
    assert settings.approver_required is True
    assert settings.web_url == 'https://lists.example.gov'


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        (
            'poster_authentication = maybe',
            "qnet.cfg:4: poster_authentication = 'maybe': expected one of required, "
            'confirm, off',
        ),
        (
            'max_message_size = big',
            "qnet.cfg:4: max_message_size = 'big': expected a size such as "
            '"10 MB" or "500 KB"',
        ),
        (
            'post_confirmation_lifetime = 3',
            "qnet.cfg:4: post_confirmation_lifetime = '3': expected a time such as "
            '"3d", "12h" or "30m"',
        ),
        (
            'notices_per_day = 0',
            "qnet.cfg:4: notices_per_day = '0': expected a whole number of at least 1",
        ),
        (
            'approver_required = perhaps',
            "qnet.cfg:4: approver_required = 'perhaps': expected yes or no",
        ),
        (
            'time_zone = Mars/Base',
            "qnet.cfg:4: time_zone = 'Mars/Base': expected a time zone of the IANA "
            'database, such as "UTC" or "America/New_York"',
        ),
        (
            'web_url = lists.example.gov',
            "qnet.cfg:4: web_url = 'lists.example.gov': expected a web address that "
            'starts with https:// (or http://)',
        ),
        (
            'other_lists_mask = yes',
            "qnet.cfg:4: other_lists_mask = 'yes': expected one of off, "
            'administrators, everyone',
        ),
        (
            'other_lists_one_click = yes',
            "qnet.cfg:4: other_lists_one_click = 'yes': expected no while web_url is "
            'not set, as the link leads there',
        ),
        (
            'ticket_system_command = run --me',
            'qnet.cfg:4: ticket_system_command: expected a command that begins with '
            'its whole path',
        ),
        (
            'ticket_system_timeout = 5m',
            "qnet.cfg:4: ticket_system_timeout = '5m': expected a time of at most 30s",
        ),
        (
            'ticket_system_url = https://tickets.example.gov',
            'qnet.cfg: ticket_system_secret_file is missing: what is told is signed '
            'with it',
        ),
    ],
)
def test_a_bad_value(tmp_path: Path, line: str, message: str) -> None:
    assert problems(tmp_path, f'[qnet]\n{GOOD}{line}\n') == [message]


SIGNED = f'[qnet]\n{GOOD}ticket_system_secret_file = /etc/made-up\n'


@pytest.mark.parametrize(
    'url',
    [
        'https://tickets.example.gov/hook?a=b',
        'http://127.0.0.1:8080/hook',
        'http://[::1]:8080/',
        'http://localhost',
    ],
)
def test_the_url_of_a_ticket_system(tmp_path: Path, url: str) -> None:
    settings = read(tmp_path, f'{SIGNED}ticket_system_url = {url}\n')
    assert settings.ticket_system_url == url


@pytest.mark.parametrize(
    'url',
    [
        'http://tickets.example.gov/hook',
        'http://127.0.0.1.example.gov/',
        'http://localhost.example.gov/',
        'https://ann:made-up@tickets.example.gov/',
        'https://',
        'https://tickets.example.gov:99999/',
        'https://[::1/',
        'https://tickets.example.gov/#x',
        'ftp://localhost/',
    ],
)
def test_a_url_that_would_show_others_what_is_told(tmp_path: Path, url: str) -> None:
    [line] = problems(tmp_path, f'{SIGNED}ticket_system_url = {url}\n')
    assert line.startswith('qnet.cfg:5: ticket_system_url: expected a web address')
    assert 'made-up' not in line


def test_an_unknown_key(tmp_path: Path) -> None:
    (line,) = problems(tmp_path, f'[qnet]\n{GOOD}suport_phone = 1\n')
    assert line.startswith(
        "qnet.cfg:4: unknown key 'suport_phone'; did you mean 'support_phone'? "
        'allowed are domain, '
    )


def test_everything_at_once(tmp_path: Path) -> None:
    lines = problems(
        tmp_path, '[qnet]\nsupport_address = nobody\nfoo = 1\n[other]\nx = 1\n'
    )
    assert len(lines) == 4
    assert any('unknown section [other]' in line for line in lines)
    assert any('domain is missing' in line for line in lines)
    assert any('expected an e-mail address' in line for line in lines)


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r'cannot be read.*\[plugin.qnet\]'):
        load(tmp_path / 'none.cfg')


@pytest.mark.parametrize(
    'text', ['domain = x', '[qnet', '[qnet]\na\n', '[qnet]\n[qnet]']
)
def test_what_is_no_ini_file(tmp_path: Path, text: str) -> None:
    assert len(problems(tmp_path, text)) == 1


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / 'qnet.cfg'
    path.write_bytes(b'[qnet]\ndomain = \xff\n')
    with pytest.raises(SettingsError, match='not UTF-8'):
        load(path)


@given(text=st.text(max_size=200))
def test_only_settings_errors(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.mktemp('settings') / 'qnet.cfg'
    path.write_text('[qnet]\n' + text, encoding='utf-8', errors='replace')
    with contextlib.suppress(SettingsError):
        load(path)


def test_mail_servers(tmp_path: Path) -> None:
    given = 'inside_mail_servers = Lists.example.gov\noutside_mail_server = '
    for value, wanted in (
        ('MX.example.gov', 'mx.example.gov:25'),
        ('127.0.0.1:2525', '127.0.0.1:2525'),
    ):
        settings = read(tmp_path, f'[qnet]\n{GOOD}{given}{value}\n')
        assert settings.outside_mail_server == wanted
        assert settings.inside_mail_servers == ('lists.example.gov',)
    for wrong in ('mx.example.gov:smtp', 'mx.example.gov:70000', 'a b:25', ':25'):
        with pytest.raises(SettingsError, match='outside_mail_server'):
            read(tmp_path, f'[qnet]\n{GOOD}{given}{wrong}\n')
