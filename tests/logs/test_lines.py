# SPDX-License-Identifier: GPL-3.0-or-later
"""A line of a log: JSON, in UTC, about something, and without anybody's token."""

from __future__ import annotations

import base64
import json
import logging
import secrets
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.logs.context import at_work, now_at_work, set_at_work
from qnet_mailman.logs.hiding import without_people, without_secrets
from qnet_mailman.logs.line import JSONLine, PlainLine
from tests.examples import examples

HEX = st.binary(min_size=20, max_size=20).map(bytes.hex)
BASE32 = st.sampled_from([30, 45]).flatmap(
    lambda size: st.binary(min_size=size, max_size=size).map(
        lambda data: base64.b32encode(data).decode().lower()
    )
)
OLD = st.binary(min_size=45, max_size=45).map(
    lambda data: base64.urlsafe_b64encode(data).decode()
)
ANYWHERE = (
    'GET /3.1/plugins/qnet/confirmations/{} HTTP/1.1',
    'token {}',
    '"/unsubscribe/{}/"',
    '/accounts/password/reset/key/{}/',
    'https://op.example.org/cb?code={}&state=x',
)
IN_ADDRESSES = (
    'to confirm+0000002a{}@lists.example.gov',
    'to news-confirm+{}@lists.example.gov',
    'from <bounces+{}@lists.example.gov>',
)
SAID = st.one_of(
    st.tuples(st.one_of(HEX, BASE32, OLD), st.sampled_from(ANYWHERE)),
    st.tuples(st.one_of(HEX, BASE32), st.sampled_from(IN_ADDRESSES)),
)


def record(message: str, *args: object) -> logging.LogRecord:
    made = logging.LogRecord('mailman.smtp', 20, 'x', 1, message, args, None)
    made.created = 1764518400.5
    return made


@examples(100, 2000)
@given(SAID)
def test_no_line_has_a_token(token_and_place: tuple[str, str]) -> None:
    token, place = token_and_place
    said = place.format(token)
    for formatter in (PlainLine(), JSONLine()):
        line = formatter.format(record('%s', said))
        assert token not in line
        assert token[12:] not in line


@pytest.mark.parametrize(
    'said',
    [
        'shunt/1764518400.5+da39a3ee5e6b4b0d3255bfef95601890afd80709',
        '<CAKf8-9Zq3+abc@mail.gmail.example>',
        'hqr-updates@lists.example.gov: 3 of 100 in 0.250 seconds',
        '/mailman3/lists/hqr-updates.lists.example.gov/members/',
        'VYDYGHBTO7H7NTU3SFXU5PQXS4ZKZ6SE',
    ],
)
def test_what_is_no_token_stays(said: str) -> None:
    assert without_secrets(said) == said


@pytest.mark.parametrize(
    'said',
    [
        'postgresql://qnet:very-secret@db.example.gov/core',
        'redis://:very-secret@127.0.0.1/0',
        'Authorization: Basic dmVyeS1zZWNyZXQ=',
        'Bearer very-secret.very-secret',
    ],
)
def test_no_line_has_a_password(said: str) -> None:
    line = without_secrets(said)
    assert 'very-secret' not in line and 'dmVy' not in line
    assert '...' in line


def test_one_object_an_event() -> None:
    set_at_work(
        list='news.lists.example.gov',
        message_id='<1@example.org>',
        entry='in/1.0+ab',
        actor=lambda: 'harp:pexample',
    )
    try:
        line = JSONLine().format(record('one\ntwo %d', 3))
    finally:
        set_at_work()
    assert '\n' not in line
    found = json.loads(line)
    assert isinstance(found.pop('process'), int)
    assert found == {
        'time': '2025-11-30T16:00:00.500Z',
        'level': 'info',
        'logger': 'mailman.smtp',
        'message': 'one\ntwo 3',
        'list': 'news.lists.example.gov',
        'message_id': '<1@example.org>',
        'entry': 'in/1.0+ab',
        'actor': 'harp:pexample',
    }


def test_a_traceback_is_in_the_same_line() -> None:
    token = secrets.token_hex(20)
    try:
        raise ValueError(f'about {token}')
    except ValueError:
        failed = record('it failed')
        failed.exc_info = sys.exc_info()
    line = JSONLine().format(failed)
    assert '\n' not in line and token not in line
    assert 'ValueError: about' in json.loads(line)['exception']
    assert token not in PlainLine().format(failed)


def test_what_cannot_be_found_out_is_left_out() -> None:
    def away() -> str:
        raise OSError('the database is away')

    with at_work(list='', actor=away, entry=None, message_id='<1@x.example>'):
        assert now_at_work() == {'message_id': '<1@x.example>'}
        with at_work(list='news.lists.example.gov'):
            assert len(now_at_work()) == 2
    assert now_at_work() == {}


LOCAL = st.text('abcdefghijklmnopqrstuvwxyzäß0123456789.+_-%!#$&*?^~', min_size=1)
AROUND = st.sampled_from(
    [
        '{}',
        '<{}>',
        '"Ann" <{}>',
        "['{}']",
        'to={},',
        '{}: bounced',
        'mailto:{}?x',
        '({})',
    ]
)


@examples(100, 2000)
@given(
    LOCAL, st.sampled_from(['example.org', 'a-b.example.gov', 'büro.example']), AROUND
)
def test_no_support_bundle_has_an_address(local: str, domain: str, around: str) -> None:
    address = f'{local}@{domain}'
    said = without_people(f'a b {around.format(address)} c d')
    assert domain not in said and '@' not in said
    assert local not in said or len(local) < 3 or local in '(address) mailto: bounced'
    assert said.startswith('a b ') and said.endswith(' c d')


@pytest.mark.parametrize(
    ('said', 'left'),
    [
        ('from 192.0.2.7 at 10:11:12', 'from (host) at 10:11:12'),
        ('from 2001:db8::7,', 'from (host),'),
        ('Mailman 3.3.10', 'Mailman 3.3.10'),
        ('"a b"@example.org x', '(address) x'),
    ],
)
def test_nor_a_client(said: str, left: str) -> None:
    assert without_people(said) == left
