# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail about accounts that anybody can cause: core counts it, and the page is one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

VICTIM = 'victim@agency.test'
WORDS = 'We send only a few e-mails a day to one address'


def browser() -> Client:
    return Client(headers={'host': 'lists.example.gov'})


@pytest.fixture
def outbox() -> list[Any]:
    mail.outbox = []
    return mail.outbox


@pytest.fixture
def account() -> Iterator[Any]:
    cache.clear()
    user = get_user_model().objects.create_user('victim', VICTIM, 'secret')
    EmailAddress.objects.create(user=user, email=VICTIM, verified=True, primary=True)
    yield user
    user.delete()
    cache.clear()


def ask(address: str) -> tuple[int, str]:
    """Ask for a new password; what is shown then."""
    answer = browser().post(reverse('account_reset_password'), {'email': address})
    assert answer.status_code == 302
    page = browser().get(answer['Location'])
    return page.status_code, ' '.join(page.content.decode().split())


def test_core_says_whether_a_mail_is_sent(
    account: Any, core: Any, outbox: list[Any]
) -> None:
    status, page = ask(VICTIM)
    assert status == 200
    assert WORDS in page
    assert [one.to for one in outbox] == [[VICTIM]]
    assert [(path, fields) for path, fields, _ in core.requests] == [
        ('/3.1/plugins/qnet/mail-allowance', {'address': [VICTIM]})
    ]
    core.answers['mail-allowance'] = (429, None)
    # The same words at the limit, and for an address that nobody has here.
    assert ask(VICTIM) == (200, page)
    assert ask('nobody@agency.test') == (200, page)
    assert len(outbox) == 1


@pytest.mark.parametrize('status', [500, 401, 404])
def test_without_cores_word_nothing_is_sent(
    account: Any, core: Any, outbox: list[Any], status: int
) -> None:
    core.status = status
    assert ask(VICTIM)[0] == 200
    assert outbox == []


def test_an_earlier_link_stays_valid(
    account: Any, core: Any, outbox: list[Any]
) -> None:
    ask(VICTIM)
    core.answers['mail-allowance'] = (429, None)
    ask(VICTIM)
    link = re.search(r'https?://[^/\s]+(/\S+)', outbox[0].body)
    assert link is not None
    page = browser().get(link[1], follow=True)
    assert page.status_code == 200
    assert 'password1' in page.content.decode()


def test_the_sign_up_page_says_so_too() -> None:
    page = browser().get(reverse('qnet_signup_done'))
    assert WORDS in ' '.join(page.content.decode().split())
