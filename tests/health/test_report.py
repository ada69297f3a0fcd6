# SPDX-License-Identifier: GPL-3.0-or-later
"""A support report has nobody in it, and no secret."""

from __future__ import annotations

import json
import logging
import secrets
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from mailman.config import config

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.logs.hiding import without_names
from qnet_mailman.setup import logs
from tests.effort import database_away
from tests.examples import examples
from tests.helpers import appoint, make_user, subscribe

log = logging.getLogger('mailman.subscribe')

PEOPLE = {
    'zoe.quimby@clinic.example.org': 'Zoé Quimby',
    "o'neill+news@hospital.example.net": "Séan O'Neill",
    'x_1@example.net': 'van der Berg, Jan',
    '"a b"@example.org': 'Ünal',
    'postmaster@münchen.example': '大輔',
}


def written(*arguments: str) -> str:
    done = CliRunner().invoke(qnet, ['report', *arguments])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def busy(mlist: Any, configure: Any) -> list[str]:
    """A site at work; what must not be told of it."""
    # Nobody outside is asked.
    configure(web_url='')
    logs.install()
    token, password = secrets.token_hex(20), secrets.token_urlsafe(24)
    for address, name in PEOPLE.items():
        if address.isascii() and '"' not in address:
            make_user(address, name)
            subscribe(mlist, address)
        else:
            make_user(f'm{len(name)}@example.net', name)
        log.error('%s (%s) was told %s by 192.0.2.77', address, name, token)
        log.error('<%s>: [%r] %s', address, address, name.upper())
    with Path(config.LOG_DIR, 'smtp.log').open('a', encoding='utf-8') as file:
        for address, name in PEOPLE.items():
            print(json.dumps({'message': f'x\n{name} <{address}>'}), file=file)
    appoint(mlist, 'pat@agency.example.gov')
    config.db.commit()
    log.error('connect to postgresql://qnet:%s@db.example.gov/core failed', password)
    log.error('from <CAB12@mail.clinic.example.org>, /unsubscribe/%s/', token)
    locals_ = ['zoe.quimby', "o'neill", 'x_1@', 'a b', 'münchen', 'clinic.example']
    return [*PEOPLE, *PEOPLE.values(), *locals_, token, password, 'pat@', '192.0.2.77']


def test_nobody_and_no_secret_is_in_it(busy: list[str], core: SimpleNamespace) -> None:
    config.push(
        'secret',
        '[webservice]\nadmin_pass: another-secret\n[database]\nurl: x://u:pw@h/\n',
    )
    try:
        text = written()
    finally:
        config.pop('secret')
    low = text.casefold()
    assert [each for each in busy if each.casefold() in low] == []
    assert 'another-secret' not in text and 'restpass' not in text
    assert 'admin_pass = (hidden)' in text and 'admin_user = restadmin' in text
    assert '@' not in text.replace('(address)', '')
    for expected in (
        'qnet-mailer ',
        'mailman 3.3',
        'ours is at ',
        'news1.lists.example.gov: notification, public, mask administrators',
        '[plugin.qnet]',
        'domain = lists.example.gov',
        'in: 0',
        '"level": "ok"',
        '==== the end of mailman.log ====',
        '(address) ((name)) was told ',
        'message=x\n(name) <(address)>',
    ):
        assert expected in text, expected


def test_it_says_what_is_in_it(busy: list[str], tmp_path: Path) -> None:
    file = tmp_path / 'report.txt'
    said = written('-o', str(file))
    assert 'In it: versions, mailman.cfg, qnet.cfg, queues, database, lists' in said
    assert file.read_text('utf-8').startswith(said.partition('\n')[0])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = CliRunner().invoke(qnet, ['report', '-o', str(file)])
    assert again.exit_code == 2 and 'File exists' in again.output


def test_where_nobody_is_known_no_line_is_shown(busy: list[str]) -> None:
    """Without the database it cannot be said whose names are in the logs."""
    with database_away():
        text = written()
    assert 'database: it does not answer' in text.replace(' ====\n\n', ': ')
    assert 'the end of' not in text and '[plugin.qnet]' in text


NAMES = st.text(min_size=1, max_size=30)


@examples(100, 2000)
@given(st.lists(NAMES, max_size=5), NAMES, NAMES)
def test_names_are_words(names: list[str], before: str, behind: str) -> None:
    for name in names:
        if not any(char.isalnum() for char in name):
            continue
        said = without_names(f'{before} | {name} | {behind}', names)
        assert '(name)' in said
    assert without_names(before, []) == before


@pytest.mark.parametrize(
    ('said', 'left'),
    [
        ('Pat Example <x> left', '(name) <x> left'),
        ('PAT   example, patent', '(name), patent'),
        ('Pat and Lee', '(name) and (name)'),
    ],
)
def test_the_longest_of_them(said: str, left: str) -> None:
    assert without_names(said, ['Pat', 'Pat Example', 'Lee']) == left
