# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is signed in through a provider is filled in, and need not confirm (R27)."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from django.test import override_settings

from qnet_mailman.review import requests
from qnet_mailman.web.harp.session import Identity
from qnet_mailman.web.request_forms import asking
from tests.asking.asker import RAE, Asker, text_of
from tests.helpers import queued


def sign_in(monkeypatch: pytest.MonkeyPatch, provider: str = 'harp') -> None:
    session = SimpleNamespace(
        person=SimpleNamespace(name='Rae Requester', email=RAE.upper())
    )
    who = Identity(provider, 'rexample')
    monkeypatch.setattr(asking, 'identity', lambda _request: who)
    monkeypatch.setattr(asking, 'provider_session', lambda _request: session)


def value_of(page: str, name: str) -> str:
    [field] = re.findall(rf'<input[^>]*id="{re.escape(name)}"[^>]*>', page)
    [value] = re.findall('value="([^"]*)"', field)
    return str(value)


@pytest.mark.parametrize(
    ('provider', 'harp_id'), [('harp', 'rexample'), ('eua', 'eua:rexample')]
)
def test_what_is_known_is_filled_in(
    asker: Asker, monkeypatch: pytest.MonkeyPatch, provider: str, harp_id: str
) -> None:
    sign_in(monkeypatch, provider)
    page = asker.get(asker.path('you')).content.decode()
    assert value_of(page, 'requester.name') == 'Rae Requester'
    assert value_of(page, 'requester.email') == RAE.upper()
    page = asker.get(asker.path('administrators')).content.decode()
    assert value_of(page, 'administrators.0.harp_id') == harp_id
    # What is typed instead stays.
    asker.send('you')
    page = asker.get(asker.path('you')).content.decode()
    assert value_of(page, 'requester.email') == RAE


def test_it_is_a_request_at_once(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in(monkeypatch)
    asker.fill_in()
    assert 'You get a copy by e-mail at' in text_of(asker.get(asker.path('check')))
    assert asker.send_all()['Location'] == '/forms/sent/'
    assert 'Its number is QM-000001' in text_of(asker.get('/forms/sent/'))
    assert requests.how_many() == 1
    [mail] = [msg for msg, _data in queued('out') if msg['to'] == RAE]
    assert mail['subject'] == 'Your request has arrived: QM-000001'
    # Nothing is left to be sent again.
    assert asker.get(asker.path('check')).status_code == 303


def test_anothers_address_is_confirmed_by_mail(
    asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(monkeypatch)
    asker.fill_in(
        you={'requester.name': 'Sam', 'requester.email': 'sam@agency.example.gov'}
    )
    assert 'to make sure that the request is yours' in text_of(
        asker.get(asker.path('check'))
    )
    asker.send_all()
    assert 'Check your e-mail' in text_of(asker.get('/forms/sent/'))
    assert requests.how_many() == 0


def test_where_there_is_a_provider_the_first_page_says_so(asker: Asker) -> None:
    assert 'sign in first' not in text_of(asker.get(asker.path('you')))
    with override_settings(OPENID_PROVIDERS={'harp': object()}):
        assert 'sign in first' in text_of(asker.get(asker.path('you')))
        assert 'sign in first' not in text_of(asker.get(asker.path('list')))
