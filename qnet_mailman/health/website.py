# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether people can sign in, and the web side does its work (R24)."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests
from mailman.config import config
from mailman.model.template import Template
from sqlalchemy import select

from qnet_mailman.core_credential import USER, password_from
from qnet_mailman.health.asking import problem_of
from qnet_mailman.health.finding import Finding, from_database
from qnet_mailman.health.service import EXAMPLES
from qnet_mailman.model import texts as kept
from qnet_mailman.model.base import store
from qnet_mailman.settings import Settings
from qnet_mailman.templates.fetching import NotFetched, fetch, way_to
from qnet_mailman.templates.manager import auth_of

TIMEOUT = (5, 60)
"""Seconds to wait for a connection to the web side, and for its answer: it asks each
provider, which may take some time itself."""
SHORT = 10
"""Seconds to wait for its certificate."""
CERTIFICATE_DAYS = 14
"""Days before the end of a certificate on which it is time to renew it."""
MOST_TEXTS = 50
"""Texts of lists that are fetched."""


def website(settings: Settings, *, ask: bool) -> Iterator[Finding]:
    """Whether the web side answers, its providers know it, and its jobs are done.

    :param ask: Whether to ask it; it cannot be asked while it asks.
    """
    if settings.web_url is None:
        return
    if not ask:
        yield Finding('not seen', 'web', 'whether people can sign in, and its jobs run')
        return
    yield from _certificate(settings.web_url)
    yield from _told(settings)
    yield from archive()
    yield from texts()


_WEB = 'See whether gunicorn and nginx run, and what their logs say.'


def _told(settings: Settings) -> Iterator[Finding]:
    """What the web side says of itself."""
    url = f'{settings.web_url}/harp/connections/'
    try:
        with requests.Session() as session:
            answer = session.get(
                url,
                auth=(USER, password_from(config.webservice.admin_pass)),
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        status = answer.status_code
        told = answer.json() if status == HTTPStatus.OK else {'providers': []}
        providers = [
            (f'provider {each["provider"]}', each['issuer'], each['problem'])
            for each in told['providers']
        ]
    except (requests.RequestException, LookupError, TypeError) as error:
        yield Finding('error', 'web', f'{url}: {type(error).__name__}', _WEB)
        return
    if status == HTTPStatus.FORBIDDEN:
        yield Finding(
            'warning',
            'web',
            f'{url} does not know us',
            'MAILMAN_REST_API_PASS there must be admin_pass of [webservice] in '
            'mailman.cfg here.',
        )
    elif status != HTTPStatus.OK:
        yield Finding('error', 'web', f'{url}: status {status}', _WEB)
    elif not providers:
        yield Finding(
            'warning',
            'web',
            'OPENID_PROVIDERS is empty: nobody can sign in with HARP',
            'Name the provider in settings_local.py ("Roles and signing in" in the '
            'guide).',
        )
    for subject, issuer, problem in providers:
        if problem:
            remedy = 'Test it on the web side with "django-admin check_providers".'
            yield Finding('error', subject, f'{issuer}: {problem}', remedy)
        else:
            yield Finding('ok', subject, f'{issuer} knows this site')
    yield from _rest(told, settings.time_zone.key)


def _rest(told: Mapping[str, Any], time_zone: str) -> Iterator[Finding]:
    """Who does the web side's jobs, in whose name it writes, and by which clock.

    :param time_zone: Core's.
    """
    if told.get('clusters') == 0:
        yield Finding(
            'error',
            'web',
            'no qcluster runs: archives get no new indexes and feeds',
            'Start "django-admin qcluster", best as a service of its own.',
        )
    sender = str(told.get('sender', ''))
    if sender.endswith(EXAMPLES):
        yield Finding(
            'warning',
            'settings_local.py',
            f'DEFAULT_FROM_EMAIL is still the example: {sender}',
            'Set it to an address of your own.',
        )
    yield from clocks(told.get('time_zone', time_zone), time_zone)


def clocks(of_pages: str, of_core: str) -> Iterator[Finding]:
    """Whether pages and mails have one clock.

    :param of_pages: The time zone of pages, for whoever has chosen no other.
    :param of_core: Core's.
    """
    if of_pages != of_core:
        yield Finding(
            'warning',
            'time zone',
            f'Pages are in {of_pages}, mails and days in {of_core}.',
            'Let TIME_ZONE of the site file be time_zone of qnet.cfg.',
        )


def _certificate(url: str) -> Iterator[Finding]:
    """Whether the certificate ends soon; the next question says if it is no good."""
    parts = urlsplit(url)
    if parts.scheme != 'https' or parts.hostname is None:
        return
    address = (parts.hostname, parts.port or 443)
    try:
        with (
            socket.create_connection(address, SHORT) as plain,
            ssl.create_default_context().wrap_socket(
                plain, server_hostname=parts.hostname
            ) as connection,
        ):
            certificate = connection.getpeercert() or {}
    except OSError:
        return
    ends = ssl.cert_time_to_seconds(str(certificate['notAfter']))
    days = int((ends - time.time()) // 86400)
    if days < CERTIFICATE_DAYS:
        yield Finding(
            'warning',
            'certificate',
            f'that of {parts.hostname} ends in {days} days',
            'Renew it, and let nginx read it anew.',
        )


def archive() -> Iterator[Finding]:
    """Whether HyperKitty takes posts."""
    for archiver in config.archivers:
        if archiver.name != 'hyperkitty' or not archiver.is_enabled:
            continue
        url = f'{archiver.base_url}api/mailman/urls'
        # Of any list: HyperKitty makes an address of what it is given.
        asked = {'mlist': 'check@example.gov'}
        problem = problem_of(url, params=asked, headers=archiver.headers)
        if problem is not None:
            yield Finding(
                'error',
                'archive',
                f'{url}: {problem}: posts are not archived, and wait',
                'base_url and api_key in mailman-hyperkitty.cfg must lead to the web '
                'side, and be its MAILMAN_ARCHIVER_KEY.',
            )


@from_database
def texts() -> Iterator[Finding]:
    """Whether lists' own texts can be fetched that the web side has not handed over."""
    query = select(Template).where(Template.uri.like('http%')).order_by(Template.id)
    for row in store().scalars(query.limit(MOST_TEXTS)).all():
        known = kept.known(row.uri)
        if known is not None and known.good_until is None:
            continue
        try:
            fetch(row.name, row.uri, auth_of(row))
        except NotFetched as error:
            used = "the package's" if known is None else 'the last one that is known'
            yield Finding(
                'error',
                'texts',
                f'{way_to(row.uri)}: {error.reason}: mail goes out with {used} instead '
                '(on lists of other styles it may not)',
                'See whether the web side answers there, then run "django-admin '
                'register_texts"; delete the text in Postorius where nobody needs it.',
            )
