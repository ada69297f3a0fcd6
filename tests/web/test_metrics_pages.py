# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus collects of the web side, and through it of core."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import get_user_model
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ
from prometheus_client.parser import text_string_to_metric_families

from qnet_mailman.core_credential import USER, password_from
from qnet_mailman.web.harp.models import ProviderPerson
from qnet_mailman.web.metrics import views
from tests.web.conftest import serving


def basic(user: str, password: str) -> str:
    return 'Basic ' + base64.b64encode(f'{user}:{password}'.encode()).decode()


SHOWN = basic(USER, password_from('test password'))


def scraped(browser: Client, path: str = '/metrics/') -> dict[str, float]:
    answer = browser.get(path, secure=True, headers={'Authorization': SHOWN})
    assert answer.status_code == 200
    assert answer['Content-Type'].startswith('text/plain; version=0.0.4')
    assert 'no-store' in answer['Cache-Control']
    text = answer.content.decode()
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.parametrize('path', ['/metrics/', '/metrics/core/'])
@pytest.mark.parametrize(
    'shown', ['', 'Basic x', basic('restadmin', 'test password'), basic(USER, 'x')]
)
def test_nobody_else_gets_them(browser: Client, path: str, shown: str) -> None:
    """The password of REST neither: Prometheus is not to have it."""
    headers = {'Authorization': shown} if shown else {}
    answer = browser.get(path, secure=True, headers=headers)
    assert answer.status_code in (302, 403)
    assert b'qnet_' not in answer.content


@pytest.fixture
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        OrmQ.objects.all().delete()
        ProviderPerson.objects.all().delete()
        yield
        transaction.set_rollback(True)


@pytest.mark.usefixtures('rolled_back')
def test_jobs_and_roles(browser: Client) -> None:
    moment = timezone.now()
    OrmQ.objects.create(key='x', payload='x', lock=moment - timedelta(seconds=500))
    OrmQ.objects.create(key='x', payload='x', lock=moment + timedelta(seconds=500))
    user = get_user_model().objects.create(username='pat@example.org')
    account = SocialAccount.objects.create(user=user, provider='harp', uid='1')
    ProviderPerson.objects.create(
        account=account,
        provider='harp',
        user_id='pexample',
        email='pat@example.org',
        refresh_token='sealed',
        checked_at=moment,
    )
    found = scraped(browser)
    assert found['qnet_web_database_up'] == 1
    assert found['qnet_web_jobs_waiting'] == 1
    assert found['qnet_web_job_oldest_age_seconds'] >= 500
    assert found['qnet_web_clusters'] == 0
    assert found['qnet_web_people_refreshed'] == 1
    assert found['qnet_web_roles_checked_last_timestamp_seconds'] == pytest.approx(
        moment.timestamp(), abs=0.001
    )
    answer = browser.get('/metrics/', secure=True, headers={'Authorization': SHOWN})
    assert b'pexample' not in answer.content and b'example.org' not in answer.content


def test_a_database_that_is_away(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> Any:
        raise DatabaseError

    monkeypatch.setattr(views, '_jobs', away)
    assert scraped(browser) == {'qnet_web_database_up': 0}


def test_core_is_passed_on(browser: Client) -> None:
    class Core(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers['Authorization'] == basic('restadmin', 'test password')
            asked = self.path == '/3.1/plugins/qnet/metrics'
            self.send_response(200 if known and asked else 404)
            self.end_headers()
            self.wfile.write(b'# TYPE qnet_ready gauge\nqnet_ready 1.0\n')

        def log_message(self, *_: Any) -> None:
            pass

    with serving(Core):
        assert scraped(browser, '/metrics/core/') == {'qnet_ready': 1}


def test_core_that_does_not_answer_is_no_metric(browser: Client) -> None:
    answer = browser.get(
        '/metrics/core/', secure=True, headers={'Authorization': SHOWN}
    )
    assert answer.status_code == 502 and b'qnet_' not in answer.content
