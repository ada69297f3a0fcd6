# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's stand-in for HARP: its pages, its people, and what it does not do."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from qnet_mailman.demo.people import Accounts
from qnet_mailman.demo.provider import make_app
from qnet_mailman.demo.site import GRANTS
from qnet_mailman.demo.story import FORM

WEB = 'http://127.0.0.1:8000'
CALLBACK = f'{WEB}/accounts/oidc/harp/login/callback/'
QUERY = {
    'response_type': 'code',
    'client_id': 'qnet-mailer',
    'redirect_uri': CALLBACK,
    'scope': 'openid profile email',
    'state': 'a-state',
    'nonce': 'a-nonce',
}


@pytest.fixture
def accounts() -> Accounts:
    return Accounts.make()


@pytest.fixture
def client(accounts: Accounts) -> FlaskClient:
    return make_app(accounts, WEB).test_client()


def sign_in(
    client: FlaskClient, sub: str, password: str, query: Mapping[str, str] = QUERY
) -> TestResponse:
    return client.post(
        '/oauth2/authorize',
        query_string=query,
        data={'sub': sub, 'password': password},
    )


def test_the_people_are_those_of_the_example_forms(accounts: Accounts) -> None:
    form = yaml.safe_load(FORM.read_text('utf-8'))
    for account, asked in (
        (accounts.administrator, form['administrators'][0]),
        (accounts.moderator, form['moderators'][0]),
    ):
        assert (account.user_id, account.name, account.email) == (
            asked['harp_id'],
            asked['name'],
            asked['email'],
        )
    with GRANTS.open(encoding='utf-8', newline='') as file:
        granted = {row['user_id']: row for row in csv.DictReader(file)}
    for account in accounts.all():
        assert granted.get(account.user_id, {'role': ''})['role'] == account.role
    assert accounts.nobody.claims()['roles'] == []


def test_passwords_are_new_each_time_and_not_shown_by_accident() -> None:
    passwords = [one.password for _ in range(2) for one in Accounts.make().all()]
    assert len(set(passwords)) == 6
    accounts = Accounts.make()
    assert accounts.nobody.password not in repr(accounts)
    assert Accounts.from_dict(accounts.as_dict()) == accounts


def test_the_page_asks_for_a_password_and_loads_nothing_from_elsewhere(
    client: FlaskClient,
) -> None:
    page = client.get('/oauth2/authorize', query_string=QUERY)
    assert page.status_code == 200
    for word in ('<label for="sub">', '<label for="password">', 'type="password"'):
        assert word in page.text
    assert 'http:' not in page.text and 'https:' not in page.text
    assert '<style' not in page.text and '<script' not in page.text
    policy = page.headers['Content-Security-Policy']
    assert "default-src 'none'" in policy and 'unsafe' not in policy
    assert client.get('/style.css').mimetype == 'text/css'


def test_the_right_password_leads_back_with_a_code(
    client: FlaskClient, accounts: Accounts
) -> None:
    account = accounts.moderator
    answer = sign_in(client, account.user_id, f' {account.password} ')
    assert answer.status_code == 302
    where = urlsplit(answer.headers['Location'])
    assert where.geturl().startswith(CALLBACK)
    query = parse_qs(where.query)
    assert query['state'] == ['a-state']
    token = client.post(
        '/oauth2/token',
        data={
            'grant_type': 'authorization_code',
            'code': query['code'][0],
            'redirect_uri': CALLBACK,
            'client_id': 'qnet-mailer',
            'client_secret': 'any',
        },
    ).json
    assert token is not None
    said = client.get(
        '/userinfo', headers={'Authorization': f'Bearer {token["access_token"]}'}
    ).json
    assert said == {'sub': account.user_id, **account.claims()}


@pytest.mark.parametrize(
    ('sub', 'password'),
    [
        ('mexample', 'a-guess'),
        ('mexample', ''),
        ('somebody', 'a-guess'),
        ('', ''),
        ('<b>', 'ä'),
    ],
)
def test_the_wrong_password_shows_the_form_again(
    client: FlaskClient, sub: str, password: str
) -> None:
    page = sign_in(client, sub, password)
    assert page.status_code == 200
    assert 'role="alert"' in page.text and 'type="password"' in page.text
    assert 'aria-invalid="true"' in page.text
    assert '<b>' not in page.text
    assert not password or password not in page.text


def test_the_password_of_another_person_is_wrong(
    client: FlaskClient, accounts: Accounts
) -> None:
    page = sign_in(client, accounts.administrator.user_id, accounts.nobody.password)
    assert page.status_code == 200


@pytest.mark.parametrize('method', ['GET', 'POST'])
@pytest.mark.parametrize(
    'where', ['https://elsewhere.example.com/', f'{CALLBACK}more', '', None]
)
def test_it_leads_to_the_demo_only(
    client: FlaskClient, accounts: Accounts, method: str, where: str | None
) -> None:
    query = {key: value for key, value in QUERY.items() if key != 'redirect_uri'}
    if where is not None:
        query['redirect_uri'] = where
    answer = client.open(
        '/oauth2/authorize',
        method=method,
        query_string=query,
        data={
            'sub': accounts.administrator.user_id,
            'password': accounts.administrator.password,
        },
    )
    assert answer.status_code == 400
    assert 'Location' not in answer.headers


def test_without_a_nonce_there_is_no_code(
    client: FlaskClient, accounts: Accounts
) -> None:
    query = {key: value for key, value in QUERY.items() if key != 'nonce'}
    account = accounts.administrator
    answer = sign_in(client, account.user_id, account.password, query)
    assert 'code=' not in answer.headers.get('Location', '')


@pytest.mark.parametrize(
    ('method', 'path'),
    [
        ('GET', '/'),
        ('POST', '/oauth2/clients'),
        ('PUT', '/users/nexample'),
        ('POST', '/users/nexample/revoke-tokens'),
        ('POST', '/oauth2/end_session/confirm'),
        ('GET', '/?__debugger__=yes&cmd=resource&f=style.css'),
        ('GET', '/console'),
    ],
)
def test_nobody_can_change_what_it_says(
    client: FlaskClient, method: str, path: str
) -> None:
    claims = {'roles': Accounts.make().administrator.claims()['roles']}
    assert client.open(path, method=method, json=claims).status_code == 404


def test_an_error_opens_no_debugger(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(accounts, WEB)

    def fail() -> None:
        raise RuntimeError('a secret')

    monkeypatch.setitem(app.view_functions, 'oidc-provider-mock.jwks', fail)
    answer = app.test_client().get('/jwks')
    assert answer.status_code == 500
    assert 'a secret' not in answer.text and 'debugger' not in answer.text.lower()


@pytest.mark.parametrize(
    ('where', 'status'),
    [(f'{WEB}/', 302), ('https://elsewhere.example.com/', 200), ('', 200)],
)
def test_signing_out_leads_to_the_demo_only(
    client: FlaskClient, where: str, status: int
) -> None:
    answer = client.get(
        '/oauth2/end_session', query_string={'post_logout_redirect_uri': where}
    )
    assert answer.status_code == status
    assert 'elsewhere' not in answer.text + answer.headers.get('Location', '')
