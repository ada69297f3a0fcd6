# SPDX-License-Identifier: GPL-3.0-or-later
"""Every page of Postorius that changes something leaves a row with who did it (R31).

Found by looking at Postorius's addresses, so that a page that is new is noticed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.sites.models import Site
from django.test import Client
from django_mailman3.models import MailDomain
from mailman.app.lifecycle import create_list
from mailman.app.moderator import hold_message
from mailman.config import config
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.mailinglist import IHeaderMatchList
from mailman.interfaces.subscriptions import ISubscriptionManager, TokenOwner
from mailman.interfaces.usermanager import IUserManager
from postorius import urls
from postorius.models import EmailTemplate
from postorius.views.list import SETTINGS_FORMS
from zope.component import getUtility

from tests.helpers import make_user, message, subscribe
from tests.on_record.person import EMAIL, WHO, operator, press, rows_of

pytestmark = [
    pytest.mark.mlist('notification', 'private'),
    pytest.mark.usefixtures('web'),
]

KIM, PAT, NEW = 'kim@agency.example.gov', 'pat@agency.example.gov', 'new@example.org'
OTHER = 'other.example.gov'
L = 'lists/{list}'
FOOTER = 'list:member:regular:footer'
HEADER = 'list:member:regular:header'

SHOWS = 'shows something'
OURS = 'leads to a page of ours'

# By the page's name: its address, and what is filled in; or why nothing is to be seen.
PAGES: dict[str, tuple[str, dict[str, Any]] | str] = {
    'csv_view': SHOWS,
    'list_member_options': (
        f'{L}/members/options/{{kim}}?role=member',
        {'formname': 'moderation', 'moderation_action': 'hold'},
    ),
    'list_members': (f'{L}/members/nonmember/', {'email': NEW}),
    'list_summary': SHOWS,
    'list_subscribe': ('lists/open.lists.example.gov/subscribe', {'subscriber': EMAIL}),
    'list_anonymous_subscribe': OURS,
    'change_subscription': (
        f'{L}/change_subscription',
        {'member_id': '{boss_member}', 'subscriber': '{boss_id}'},
    ),
    'list_unsubscribe': (f'{L}/unsubscribe/', {'email': EMAIL}),
    'list_subscription_requests': SHOWS,
    'list_unsubscription_requests': SHOWS,
    'list_pending_confirmation': SHOWS,
    'handle_subscription_request': (
        f'{L}/handle_subscription_request/{{request}}/',
        {'accept': ''},
    ),
    'mass_subscribe': (f'{L}/mass_subscribe/', {'emails': NEW}),
    'mass_removal': (f'{L}/mass_removal/', {'emails': KIM}),
    'list_delete': (f'{L}/delete', {}),
    'list_held_messages': (
        f'{L}/held_messages',
        {'choices': '{held}', 'discard': ''},
    ),
    'moderate_held_message': (
        f'{L}/held_messages/moderate',
        {'msgid': '{held}', 'discard': ''},
    ),
    'list_bans': (f'{L}/bans/', {'email': NEW, 'add': ''}),
    'list_header_matches': (
        f'{L}/header-matches/',
        {'form-1-header': 'x-new', 'form-1-pattern': 'y', 'form-1-action': 'hold'},
    ),
    'remove_role': (f'{L}/remove/member/{{kim}}', {}),
    'unsubscribe_all': (f'{L}/unsubscribe_all', {}),
    'confirm_token': OURS,
    'list_template_list': SHOWS,
    'list_template_new': (f'{L}/templates/new', {'name': HEADER, 'data': 'x'}),
    'list_template_update': (f'{L}/templates/{{text}}/update', {'data': 'other'}),
    'list_template_delete': (f'{L}/templates/{{text}}/delete', {}),
    'ps_user_profile': SHOWS,
    'user_address_preferences': (
        'accounts/per-address-preferences/',
        {'form-0-hide_address': 'True'},
    ),
    'user_subscription_preferences': (
        'accounts/per-subscription-preferences/',
        {'form-0-hide_address': 'True'},
    ),
    'user_mailmansettings': ('accounts/mailmansettings/', {'hide_address': 'True'}),
    'user_list_options': (
        'accounts/list-options/{boss_member}/',
        {'hide_address': 'True'},
    ),
    'domain_index': SHOWS,
    'domain_new': ('domains/new/', {'mail_host': 'x.example.gov', 'site': '{site}'}),
    'domain_edit': (f'domains/{OTHER}/', {'description': 'x', 'site': '{site}'}),
    'domain_delete': (f'domains/{OTHER}/delete', {}),
    'domain_owners': (f'domains/{OTHER}/owners', {'email': KIM}),
    'remove_domain_owner': (f'domains/{OTHER}/owners/{{pat_id}}/remove', {}),
    'domain_template_list': SHOWS,
    'domain_template_new': (
        f'domains/{OTHER}/templates/new',
        {'name': HEADER, 'data': 'x'},
    ),
    'domain_template_update': (
        f'domains/{OTHER}/templates/{{domain_text}}/update',
        {'data': 'other'},
    ),
    'domain_template_delete': (
        f'domains/{OTHER}/templates/{{domain_text}}/delete',
        {},
    ),
    'list_index': SHOWS,
    'list_new': (
        'lists/new/',
        {
            'listname': 'b',
            'mail_host': 'lists.example.gov',
            'list_owner': EMAIL,
            'advertised': 'True',
            'list_style': 'legacy-default',
            'description': 'x',
        },
    ),
    'system_information': SHOWS,
    'global_bans': ('bans/', {'email': NEW, 'add': ''}),
    'rest_held_message': SHOWS,
    'rest_attachment_for_held_message': SHOWS,
    'rest_template': SHOWS,
    'list_users': SHOWS,
    'manage_user': (
        'users/{pat_id}/manage',
        {'display_name': 'Patricia', 'user_form': ''},
    ),
    'delete_user': ('users/{pat_id}/delete', {}),
}

# By the form's name: what is filled in.
SETTINGS: dict[str, dict[str, Any]] = {
    'list_identity': {'description': 'x'},
    'automatic_responses': {'autoresponse_owner_text': 'x'},
    'alter_messages': {'anonymous_list': 'True'},
    'dmarc_mitigations': {'dmarc_moderation_notice': 'x'},
    'digest': {'digest_size_threshold': '31'},
    'message_acceptance': {'default_nonmember_action': 'reject'},
    'archiving': {'archive_policy': 'never'},
    # On a list of ours, its visibility decides.
    'subscription_policy': {},
    'bounce_processing': {'bounce_you_are_disabled_warnings': '4'},
    'newsgroup_gateway': {'newsgroup_moderation': 'moderated'},
}


def names(patterns: Any = urls.urlpatterns) -> Iterator[str]:
    """Of all of Postorius's pages."""
    for each in patterns:
        if hasattr(each, 'url_patterns'):
            yield from names(each.url_patterns)
        elif each.name:
            yield each.name


def test_nothing_is_new() -> None:
    assert {*names(), 'list_settings'} == {*PAGES, 'list_settings'}
    assert SETTINGS.keys() == SETTINGS_FORMS.keys()


@pytest.fixture
def list_id(mlist: Any) -> str:
    """The list's, which stays when requests close the session."""
    config.db.commit()
    return str(mlist.list_id)


@pytest.fixture
def browser(list_id: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """An operator's, at a site with something of each kind."""
    with operator(monkeypatch) as browser:
        yield browser
        # Core need not hear of it, and has no list any more.
        for table in (EmailTemplate, MailDomain):
            table.objects.all()._raw_delete('default')


@pytest.fixture
def named(browser: Client, list_id: str) -> dict[str, str]:
    """What each is called."""
    mlist = getUtility(IListManager).get_by_list_id(list_id)
    users = getUtility(IUserManager)
    subscribe(mlist, KIM)
    create_list('open@lists.example.gov', style_name='qnet-notification-public')
    boss = subscribe(mlist, EMAIL)
    user = users.get_user(EMAIL)
    user.preferred_address = next(iter(user.addresses))
    pat = make_user(PAT, 'Pat')
    domains = getUtility(IDomainManager)
    domains.add(OTHER)
    MailDomain.objects.create(mail_domain=OTHER, site=Site.objects.get_current())
    domains.get(OTHER).add_owner(PAT)
    IHeaderMatchList(mlist).append('X-Spam', 'yes', 'discard')
    held = hold_message(mlist, message('Subject: held\n\nx'), {}, 'why')
    asks = users.create_address('asks@agency.example.gov', 'A')
    token, owner, _member = ISubscriptionManager(mlist).register(
        asks, pre_verified=True, pre_confirmed=True
    )
    assert owner is TokenOwner.moderator
    found = {
        'pat_id': pat.user_id.hex,
        'boss_id': user.user_id.hex,
        'boss_member': boss.member_id.hex,
    }
    config.db.commit()
    texts = [
        EmailTemplate.objects.create(
            name=FOOTER, data='x', language='en', context=kind, identifier=identifier
        )
        for kind, identifier in (('list', list_id), ('domain', OTHER))
    ]
    return {
        'list': list_id,
        'kim': KIM,
        **found,
        'held': str(held),
        'request': token,
        'text': str(texts[0].pk),
        'domain_text': str(texts[1].pk),
        'site': str(Site.objects.get_current().pk),
    }


@pytest.mark.parametrize(
    'page', [each for each in PAGES if PAGES[each] not in (SHOWS, OURS)]
)
def test_a_change_is_on_record(
    named: dict[str, str], browser: Client, page: str
) -> None:
    path, wanted = PAGES[page]
    filled = {key: each.format(**named) for key, each in wanted.items()}
    with rows_of() as rows:
        answer = press(
            browser,
            f'/mailman3/{path.format(**named)}',
            lambda fields: fields.update(filled),
        )
    assert answer.status_code in (200, 302), answer.content
    assert rows, said(answer)
    assert {row['actor'] for row in rows} == {WHO}, rows


@pytest.mark.parametrize('section', [each for each in SETTINGS if SETTINGS[each]])
def test_each_setting_is_on_record(
    named: dict[str, str], browser: Client, section: str
) -> None:
    wanted = SETTINGS[section]
    with rows_of() as rows:
        answer = press(
            browser,
            f'/mailman3/lists/{named["list"]}/settings/{section}',
            lambda fields: fields.update(wanted),
        )
    assert answer.status_code == 302, said(answer)
    assert {row['action'] for row in rows} == {'setting changed'}
    subjects = {'mask' if each == 'anonymous_list' else each for each in wanted}
    assert subjects <= {row['subject'] for row in rows}, rows
    assert {row['actor'] for row in rows} == {WHO}


def said(answer: Any) -> str:
    """What of a page is about mistakes."""
    text = answer.content.decode()
    return '\n'.join(
        line for line in text.splitlines() if 'error' in line or 'alert' in line
    )
