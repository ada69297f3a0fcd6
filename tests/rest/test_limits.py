# SPDX-License-Identifier: GPL-3.0-or-later
"""What the REST server takes: sizes, and the shapes of JSON, at every resource."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qnet_mailman import site
from qnet_mailman import site as qnet_mailman_site
from qnet_mailman.rest import limits
from qnet_mailman.settings import Settings
from tests.rest.client import AUTHORIZATION, FORM, JSON
from tests.rest.client import application as application_of_core

#: Everything of ours that takes a body, with the fields that it knows.
RESOURCES = {
    'confirmations/confirm': ('token',),
    'confirmations/describe': ('token',),
    'posts/confirm': ('token',),
    'unsubscribe': ('token',),
    'unsubscribe/describe': ('token',),
    'signup': ('address', 'email', 'name', 'list', 'client', 'display_name'),
    'lists/overview': ('list', 'provider', 'user_id'),
    'lists/{list}/settings': ('mask', 'replies', 'actor'),
    'lists/{list}/bounces/members/{list}/enable': ('actor',),
    'forms': ('name', 'content', 'beside', 'actor'),
    'forms/1/approve': ('actor',),
    'forms/1/return': ('reason', 'actor'),
    'forms/apply': (
        *('name', 'content', 'beside', 'dry_run', 'approved', 'actor'),
        *('request', 'more'),
    ),
    'forms/empty/list-closure/xlsx': ('list', 'name', 'email'),
    'roles/sign-in': ('provider', 'user_id', 'email', 'name', 'roles', 'complete'),
    'roles/assign': ('list', 'email', 'role', 'name', 'user_id', 'may_post'),
    'roles/unassign': ('list', 'email', 'role'),
    'roles/change-address': ('old', 'new'),
    'roles/import': ('content', 'format', 'mode', 'source', 'dry_run', 'mail'),
    **dict.fromkeys(
        (f'roles/{each}' for each in ('approve', 'deny', 'revoke', 'request')),
        ('provider', 'user_id', 'role', 'email', 'name', 'reason', 'expires_at'),
    ),
    'roles/expire-at': ('provider', 'user_id', 'role', 'when'),
}
STOCK = ('lists', 'members', 'users', 'domains', 'bans', 'addresses/a@b.example/user')


class Bottomless(io.BytesIO):
    """A body that must not be read."""

    def read(self, *_args: Any) -> bytes:
        raise AssertionError('the body was read')


@pytest.fixture
def application(core: SimpleNamespace) -> Any:
    return limits.limit(application_of_core())


def ask(
    application: Any,
    path: str,
    body: bytes | None,
    content_type: str = JSON,
    **environ: str,
) -> tuple[int, Any]:
    """Status and JSON of a POST.

    :param body: None for one that must not be read.
    """
    began: list[Any] = []
    asked = {
        'REQUEST_METHOD': 'POST',
        'SCRIPT_NAME': '',
        'PATH_INFO': f'/3.1/{path}',
        'QUERY_STRING': '',
        'SERVER_NAME': 'localhost',
        'SERVER_PORT': '8001',
        'SERVER_PROTOCOL': 'HTTP/1.1',
        'wsgi.url_scheme': 'http',
        'wsgi.errors': io.StringIO(),
        'wsgi.input': Bottomless() if body is None else io.BytesIO(body),
        'HTTP_AUTHORIZATION': AUTHORIZATION,
        'CONTENT_TYPE': content_type,
        'CONTENT_LENGTH': str(len(body or b'')),
        **environ,
    }
    answer = b''.join(application(asked, lambda *args: began.append(args)))
    status = int(began[0][0].split()[0])
    return status, json.loads(answer) if answer else None


@pytest.mark.parametrize('content_type', [JSON, FORM, 'text/plain', ''])
@pytest.mark.parametrize('path', [*RESOURCES, *STOCK, 'nothing', ''])
def test_too_large(application: Any, path: str, content_type: str) -> None:
    """Answered before it is read, whoever asks for whatever."""
    most = limits.for_files(qnet_mailman_site.settings())
    for size in (most + 1, 10**18, 10**30):
        status, _answer = ask(
            application,
            path,
            None,
            content_type,
            CONTENT_LENGTH=str(size),
            HTTP_AUTHORIZATION='',
        )
        assert status == 413


def test_files_may_be_larger_than_the_rest() -> None:
    site = Settings(domain='example.gov', support_address='help@example.gov')
    assert limits.most_of('/3.1/lists', JSON, site) == 1024 * 1024
    for path in ('/3.1/plugins/qnet/forms', '/3.1/plugins/qnet/forms/apply'):
        assert limits.most_of(path, JSON, site) == limits.for_files(site)
        # A form is read by whoever sends it, before the credentials are looked at.
        assert limits.most_of(path, FORM, site) == 1024 * 1024
    assert limits.most_of('/3.1/plugins/qnet/formst', JSON, site) == 1024 * 1024
    assert limits.most_of('/3.1/plugins/qnet/forms', JSON, None) == 1024 * 1024
    larger = replace(site, rest_max_size=2**40)
    assert limits.most_of('/3.1/plugins/qnet/forms', JSON, larger) == 2**40


def test_as_large_as_may_be(application: Any) -> None:
    body = b'{"token": "%s"}' % (b'a' * (1024 * 1024 - 13))
    assert len(body) == 1024 * 1024
    path = 'plugins/qnet/posts/confirm'
    assert ask(application, path, body)[0] in (400, 404)
    assert ask(application, path, body + b' ')[0] == 413


@pytest.mark.parametrize('length', ['-1', '+1', '1_0', 'x', '\u0662', '1 '])
def test_a_length_that_is_none(application: Any, length: str) -> None:
    status, _answer = ask(application, 'lists', None, CONTENT_LENGTH=length)
    assert status == 400


def test_a_body_of_unknown_length(application: Any) -> None:
    chunked = {'HTTP_TRANSFER_ENCODING': 'chunked', 'CONTENT_LENGTH': ''}
    assert ask(application, 'plugins/qnet/forms', None, **chunked)[0] == 411


def test_while_a_setting_is_broken(
    application: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, 'reason_not_ready', lambda: 'a setting is wrong')
    assert ask(application, 'lists', None, CONTENT_LENGTH='2000000')[0] == 413


NO_OBJECTS: list[Any] = [[], [1], ['token'], '', 'token', 0, 1.5, True, None, [{}]]
BODIES = [json.dumps(each).encode() for each in NO_OBJECTS]
BODIES += [b'', b'{', b'\xff', b'{"a": NaN}', b'{} {}', b'{"a": 1,}', b'\xef\xbb\xbf{}']
BODIES += [b'{"a": %s%s}' % (b'[' * 9, b']' * 9), b'[' * 5000, b'{"a":' * 5000]
BODIES += [b'{"a": [%s0]}' % (b'0,' * limits.MAX_VALUES)]


@pytest.mark.parametrize('body', BODIES, ids=lambda each: each[:12].decode('latin-1'))
@pytest.mark.parametrize('path', [*RESOURCES, *STOCK])
def test_json_that_is_no_object(
    application: Any, make_list: Any, path: str, body: bytes
) -> None:
    mlist = make_list()
    where = path.format(list=mlist.list_id)
    if path in RESOURCES:
        where = f'plugins/qnet/{where}'
    status, answer = ask(application, where, body)
    # Some of these resources are not there, or know no POST.
    assert status in (400, 404, 405), answer


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


@pytest.mark.parametrize('path', RESOURCES)
def test_values_of_other_kinds(application: Any, make_list: Any, path: str) -> None:
    """Never an error of ours: what is wrong is the request."""
    mlist = make_list()
    where = 'plugins/qnet/' + path.format(list=mlist.list_id)

    @settings(
        max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        st.fixed_dictionaries({}, optional=dict.fromkeys(RESOURCES[path], VALUES))
        | st.fixed_dictionaries(dict.fromkeys(RESOURCES[path], VALUES))
    )
    def check(fields: dict[str, Any]) -> None:
        status, answer = ask(application, where, json.dumps(fields).encode())
        assert status < 500, (fields, answer)

    check()


@given(st.binary() | VALUES.map(lambda value: json.dumps(value).encode()))
def test_reading_raises_nothing_else(body: bytes) -> None:
    try:
        found = limits.read_object(body)
    except ValueError:
        return
    assert found == json.loads(body)


@pytest.mark.parametrize('inner', [b'{}', b'[]', b'"[[[[[[[[[[{{{{,,,,"'])
def test_levels(inner: bytes) -> None:
    deepest = b'{"a":' * (limits.MAX_DEPTH - 1) + inner + b'}' * (limits.MAX_DEPTH - 1)
    assert limits.read_object(deepest)
    with pytest.raises(ValueError, match='levels'):
        limits.read_object(b'{"a":[' + deepest + b']}')


def test_commas_in_text_are_no_values() -> None:
    text = ',"[' * limits.MAX_VALUES
    assert limits.read_object(json.dumps({'a': text}).encode()) == {'a': text}
