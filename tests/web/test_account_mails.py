# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail about accounts is dressed as all mail of the service, and leads on (R34)."""

from __future__ import annotations

from email import message_from_bytes
from itertools import pairwise
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from tests.web.account_mails import EMAIL, html_of, prefixes, rendered

SITE = {
    'SUPPORT_ADDRESS': 'help@example.gov',
    'AGENCY': 'Agency of Examples',
    'AGENCY_LINKS': {'No FEAR Act': 'https://agency.example.gov/no-fear'},
}


def test_all_are_known() -> None:
    assert len(prefixes()) >= 15


@pytest.mark.parametrize('prefix', prefixes())
def test_each_says_who_it_is_from_and_whom_to_ask(prefix: str) -> None:
    with override_settings(**SITE):
        mail = rendered(prefix)
    sent = message_from_bytes(mail.message().as_bytes())
    assert sent['from'] == 'QualityNet Mailer <noreply@example.gov>'
    assert sent['auto-submitted'] == 'auto-generated'
    assert sent['subject']
    assert '[' not in sent['subject']
    assert [part.get_content_type() for part in sent.walk()] == [
        *('multipart/alternative', 'text/plain', 'text/html'),
    ]
    assert '\n  E-mail: help@example.gov\n' in mail.body
    assert mail.body.endswith(
        '\n\n-- \nQualityNet Mailer\nAgency of Examples\n\n'
        '  No FEAR Act: https://agency.example.gov/no-fear\n'
    )
    page = html_of(mail)
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert '<header class="from">QualityNet Mailer</header>' in page
    assert '>No FEAR Act</a>' in page
    assert 'mailto:help@example.gov' in page
    text = mail.body.partition('\n-- \n')[0]
    for line, after in pairwise(text.split('\n')):
        if line.strip() and not line[0].isspace():
            assert not after or after[0].isspace(), line
    assert not {'{{', '{%', '$', 'None'} & set(text.split())


@pytest.mark.parametrize(
    ('name', 'action'),
    [
        ('email_confirmation', 'Confirm this address'),
        ('email_confirmation_signup', 'Confirm this address'),
        ('password_reset_key', 'Choose a new password'),
        ('account_already_exists', 'Choose a new password'),
        ('password_changed', 'Choose a new password'),
        ('unknown_account', 'Sign up for a list'),
    ],
)
def test_one_thing_to_do(name: str, action: str) -> None:
    with override_settings(LOCAL_SIGN_UP=False):
        page = html_of(rendered(f'account/email/{name}'))
    assert page.count('<a class="do" href="https://lists.example.gov/') == 1
    assert f'>{action}</a>' in page


def test_what_strangers_typed_is_text() -> None:
    mail = rendered('account/email/unknown_account', email='"<b>&"@example.org')
    assert '\n  "<b>&"@example.org\n' in mail.body
    assert '&quot;&lt;b&gt;&amp;&quot;@' in html_of(mail)
    assert 'Browser' not in rendered('account/email/password_changed').body


def test_an_operators_own_page_stays(tmp_path: Path) -> None:
    folder = tmp_path / 'account' / 'email'
    folder.mkdir(parents=True)
    (folder / 'login_code_message.html').write_text('<p>Our own.</p>')
    templates = [{**settings.TEMPLATES[0], 'DIRS': [str(tmp_path)]}]
    with override_settings(TEMPLATES=templates):
        mail = rendered('account/email/login_code')
    assert html_of(mail) == '<p>Our own.</p>'
    assert 'without the code nobody gets in' in mail.body


def test_a_sender_with_a_name_keeps_it() -> None:
    with override_settings(DEFAULT_FROM_EMAIL='Accounts <noreply@example.gov>'):
        mail = rendered('account/email/login_code')
    assert mail.from_email == 'Accounts <noreply@example.gov>'
    assert mail.to == [EMAIL]
