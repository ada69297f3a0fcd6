# SPDX-License-Identifier: GPL-3.0-or-later
"""Every page of the site, asked for by everybody: who gets in (R24-R27).

The table below says it a second time, and by address: what it says is not taken from
the gate's own table.  A page that an upgrade adds is in neither, and fails here.
"""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from django.db import transaction
from django.urls import NoReverseMatch, get_resolver, resolve, reverse

from qnet_mailman.web.archive import urls as archive_urls
from qnet_mailman.web.gate import policy
from qnet_mailman.web.gate.checks import all_pages, check_pages
from qnet_mailman.web.gate.guards import GUARDS
from qnet_mailman.web.gate.policy import NEEDS, UNSAFE, Need, need_of
from tests.web.gate.conftest import GatedSite
from tests.web.gate.stub_mailman import NEWS, NEWS_ADDRESS, OTHER, TOKEN

#: Nobody; a member; an owner behind our back; an owner whose role is List Moderator; a
#: moderator; an administrator; another list's administrator; an operator.
EVERYBODY = (
    '',
    'member',
    'owner_without_role',
    'owner_as_moderator',
    'moderator',
    'administrator',
    'elsewhere',
    'operator',
)

# One letter for each of them, in this order.  o: the page opens, whatever it then says;
# s: to the sign-in page; x: 403.
ALL = 'oooooooo'
KNOWN = 'sooooooo'
READERS = 'soxoooxo'
MODERATORS = 'sxxoooxo'
ADMINISTRATORS = 'sxxxxoxo'
OPERATORS = 'sxxxxxxo'
#: HyperKitty's pages to write from are closed by a setting, to whomever gets there.
NONE = 'sxxxxxxx'
#: The list says who may see its members: here, its moderators.
ROSTER = MODERATORS
#: Core itself is not among them, and its address counts for nothing.
CORE = 'xxxxxxxo'


class Page(NamedTuple):
    """A row: the page's name, an address, and who gets in.

    :ivar post: By POST, where that differs.
    :ivar data: What is posted.
    """

    name: str
    path: str
    get: str
    post: str = ''
    data: dict[str, Any] = {}


L = f'/mailman3/lists/{NEWS}'
A = f'/archives/list/{NEWS_ADDRESS}'
API = f'/archives/api/list/{NEWS_ADDRESS}'
MESSAGE = f'{A}/message/{"M" * 32}'
THREAD = f'{A}/thread/{"T" * 32}'
HELD = f'/mailman3/api/list/{NEWS}/held_message/1'
MEMBER = '12345678-1234-5678-1234-567812345678'
COMPAT = 'hyperkitty.views.compat'
SETTING = 'django.views.generic.base.RedirectView'

PAGES = (
    # Ours.
    Page('qnet_home', '/', ALL),
    Page('qnet_robots', '/robots.txt', ALL),
    Page('qnet_security', '/.well-known/security.txt', ALL),
    Page('qnet_start', '/start/', KNOWN),
    Page('account_logout', '/accounts/logout/', ALL),
    Page('qnet_backchannel_logout', '/harp/backchannel-logout/', ALL),
    Page('qnet_no_role', '/harp/no-role/', KNOWN),
    Page('qnet_help', '/help/', ALL),
    Page('qnet_help_about', '/help/about/', ALL),
    Page('qnet_help_start', '/help/start/', ALL),
    Page('qnet_help_questions', '/help/questions/', ALL),
    Page('qnet_help_bounces', '/help/bounces/', ALL),
    Page('qnet_help_contact', '/help/contact/', ALL),
    Page('qnet_help_members', '/help/members/', ALL),
    Page('qnet_help_administrators', '/help/administrators/', ALL),
    Page('qnet_signup', '/signup/', ALL),
    Page('qnet_signup_done', '/signup/done/', ALL),
    Page('qnet_forms', '/forms/', ALL),
    Page('qnet_empty_form', '/forms/list-request.pdf', ALL),
    Page('qnet_ask', '/forms/list-request/', ALL),
    Page('qnet_ask_step', '/forms/list-request/you/', ALL),
    Page('qnet_ask_check', '/forms/list-request/check/', ALL),
    Page('qnet_ask_discard', '/forms/list-request/discard/', ALL),
    Page('qnet_ask_sent', '/forms/sent/', ALL),
    Page('qnet_ask_confirm', f'/forms/confirm/{TOKEN}/', ALL),
    Page('qnet_confirm', f'/signup/confirm/{TOKEN}/', ALL),
    Page('qnet_unsubscribe', f'/unsubscribe/{TOKEN}', ALL),
    Page('qnet_send_again', f'/send-again/{TOKEN}/', ALL),
    Page('qnet_confirm_post', f'/posts/confirm/{TOKEN}/', ALL),
    Page('qnet_decide', f'/decide/{TOKEN}/', ALL),
    Page(
        'qnet_mailman.web.lists.views.sign_up_instead', f'{L}/anonymous_subscribe', ALL
    ),
    # Ours for operators; core knows no request here.
    Page('qnet_operators', '/operators/', OPERATORS),
    Page('qnet_unattended', '/operators/unattended/', OPERATORS),
    Page('qnet_audit', '/operators/audit/', OPERATORS),
    Page('qnet_audit_file', '/operators/audit/export.csv', OPERATORS),
    Page('qnet_requests', '/requests/', OPERATORS),
    Page('qnet_request', '/requests/QM-000001/', OPERATORS),
    Page('qnet_adoptable', '/adopting/', OPERATORS),
    Page('qnet_adoption', '/adopting/news.lists.example.gov/', OPERATORS),
    # Ours about a list; core knows nothing of it here.
    Page('qnet_list', f'{L}/qualitynet/', MODERATORS),
    Page('qnet_list_change', f'{L}/qualitynet/mask', ADMINISTRATORS),
    Page('qnet_list_form', f'{L}/forms/list-closure.xlsx', ADMINISTRATORS),
    Page('qnet_list_audit', f'{L}/audit/', ADMINISTRATORS),
    Page('qnet_list_audit_file', f'{L}/audit/export.csv', ADMINISTRATORS),
    Page('qnet_list_bounces', f'{L}/bounces/', MODERATORS),
    Page('qnet_list_bounces_csv', f'{L}/bounces/export.csv', ADMINISTRATORS),
    Page(
        'qnet_list_bounces_act',
        f'{L}/bounces/act',
        ADMINISTRATORS,
        data={'action': 'enable'},
    ),
    Page('qnet_member_bounces', f'{L}/bounces/{MEMBER}/', MODERATORS),
    Page('qnet_member_enable', f'{L}/bounces/{MEMBER}/enable', ADMINISTRATORS),
    # Postorius: for everybody, and one's own.
    Page('postorius.views.list.list_index', '/mailman3/', ALL, data={'list': NEWS}),
    Page('list_index', '/mailman3/lists/', ALL, data={'list': NEWS}),
    Page('list_summary', f'{L}/', ALL),
    Page('list_subscribe', f'{L}/subscribe', KNOWN),
    Page('list_unsubscribe', f'{L}/unsubscribe/', KNOWN, data={'email': 'a@b.gov'}),
    Page('change_subscription', f'{L}/change_subscription', KNOWN),
    Page('confirm_token', f'{L}/confirm/?token={TOKEN}', ALL, data={'token': TOKEN}),
    Page('ps_user_profile', '/mailman3/accounts/subscriptions/', KNOWN),
    Page(
        'user_address_preferences',
        '/mailman3/accounts/per-address-preferences/',
        KNOWN,
    ),
    Page(
        'user_subscription_preferences',
        '/mailman3/accounts/per-subscription-preferences/',
        KNOWN,
    ),
    Page('user_mailmansettings', '/mailman3/accounts/mailmansettings/', KNOWN),
    Page('user_list_options', '/mailman3/accounts/list-options/1/', KNOWN),
    # Postorius: moderators.
    Page('list_held_messages', f'{L}/held_messages', MODERATORS),
    Page(
        'moderate_held_message',
        f'{L}/held_messages/moderate',
        MODERATORS,
        data={'msgid': '1', 'discard': ''},
    ),
    Page('rest_held_message', f'{HELD}/', MODERATORS),
    Page('qnet_held_message', f'{L}/held_messages/1/', MODERATORS),
    Page('rest_attachment_for_held_message', f'{HELD}/attachment/0/', MODERATORS),
    Page('list_subscription_requests', f'{L}/subscription_requests', MODERATORS),
    Page('list_unsubscription_requests', f'{L}/unsubscription_requests', MODERATORS),
    Page('list_pending_confirmation', f'{L}/pending_confirmation', MODERATORS),
    Page(
        'handle_subscription_request',
        f'{L}/handle_subscription_request/{TOKEN}/',
        MODERATORS,
        data={'accept': ''},
    ),
    # Postorius: administrators.
    Page('list_members', f'{L}/members/member/', ROSTER, ADMINISTRATORS),
    Page(
        'list_member_options',
        f'{L}/members/options/member@example.gov',
        ADMINISTRATORS,
        data={'formname': 'moderation', 'moderation_action': 'hold'},
    ),
    Page('csv_view', f'{L}/csv_view/', ADMINISTRATORS),
    Page('mass_subscribe', f'{L}/mass_subscribe/', ADMINISTRATORS),
    Page('mass_removal', f'{L}/mass_removal/', ADMINISTRATORS),
    Page('unsubscribe_all', f'{L}/unsubscribe_all', ADMINISTRATORS),
    Page('list_delete', f'{L}/delete', OPERATORS),
    Page('list_bans', f'{L}/bans/', ADMINISTRATORS, data={'del': '', 'email': 'a@b.c'}),
    Page(
        'list_header_matches',
        f'{L}/header-matches/',
        ADMINISTRATORS,
        data={'form-TOTAL_FORMS': '0', 'form-INITIAL_FORMS': '0'},
    ),
    Page('list_settings', f'{L}/settings/digest', ADMINISTRATORS),
    Page('remove_role', f'{L}/remove/nonmember/a@example.org', ADMINISTRATORS),
    Page('list_template_list', f'{L}/templates', ADMINISTRATORS),
    Page('list_template_new', f'{L}/templates/new', ADMINISTRATORS),
    Page('list_template_update', f'{L}/templates/1/update', ADMINISTRATORS),
    Page('list_template_delete', f'{L}/templates/1/delete', ADMINISTRATORS),
    # Postorius: operators, and core.
    Page('list_new', '/mailman3/lists/new/', OPERATORS),
    Page('domain_index', '/mailman3/domains/', OPERATORS),
    Page('domain_new', '/mailman3/domains/new/', OPERATORS),
    Page('domain_edit', '/mailman3/domains/example.gov/', OPERATORS),
    Page('domain_delete', '/mailman3/domains/example.gov/delete', OPERATORS),
    Page(
        'domain_owners',
        '/mailman3/domains/example.gov/owners',
        OPERATORS,
        data={'email': 'a@example.org'},
    ),
    Page(
        'remove_domain_owner',
        '/mailman3/domains/example.gov/owners/1/remove',
        OPERATORS,
    ),
    Page('domain_template_list', '/mailman3/domains/example.gov/templates', OPERATORS),
    Page(
        'domain_template_new',
        '/mailman3/domains/example.gov/templates/new',
        OPERATORS,
    ),
    Page(
        'domain_template_update',
        '/mailman3/domains/example.gov/templates/1/update',
        OPERATORS,
    ),
    Page(
        'domain_template_delete',
        '/mailman3/domains/example.gov/templates/1/delete',
        OPERATORS,
    ),
    Page('system_information', '/mailman3/system/', OPERATORS),
    Page(
        'global_bans',
        '/mailman3/bans/',
        OPERATORS,
        data={'del': '', 'email': 'a@b.c'},
    ),
    Page('list_users', '/mailman3/users', OPERATORS),
    Page('manage_user', '/mailman3/users/id-of-member/manage', OPERATORS),
    Page('delete_user', '/mailman3/users/id-of-member/delete', OPERATORS),
    Page(
        'rest_template',
        f'/mailman3/api/templates/list/{NEWS}/list:member:regular:footer',
        CORE,
    ),
    Page('qnet_connections', '/harp/connections/', CORE),
    Page('qnet_metrics', '/metrics/', CORE),
    Page('qnet_core_metrics', '/metrics/core/', CORE),
    # HyperKitty: of no list, or of public ones.
    Page('hk_root', '/archives/', ALL),
    Page('hk_find_list', '/archives/find-list', ALL),
    Page('hk_search', '/archives/search', ALL),
    Page('hk_users_overview', '/archives/users/', ALL),
    Page('hk_public_user_profile', '/archives/users/id-of-a/', ALL),
    Page('hk_categories_overview', '/archives/categories/', ALL),
    Page('hk_tags_overview', '/archives/tags/', ALL),
    Page('hk_mailman_urls', '/archives/api/mailman/urls', ALL),
    Page('hk_mailman_archive', '/archives/api/mailman/archive', ALL),
    Page('django.views.generic.base.TemplateView', '/archives/api/', ALL),
    Page('hk_api_mailinglist_list', '/archives/api/lists/', ALL),
    Page(f'{COMPAT}.summary', '/archives/listinfo', ALL),
    Page(f'{COMPAT}.summary', '/archives/listinfo/news', ALL),
    Page(f'{COMPAT}.summary', '/archives/pipermail/news', ALL),
    Page(f'{COMPAT}.arch_month', '/archives/pipermail/news/2026-January/', ALL),
    Page(
        f'{COMPAT}.arch_month', '/archives/pipermail/news/2026-January/thread.html', ALL
    ),
    Page(f'{COMPAT}.arch_month_mbox', '/archives/pipermail/news/2026-May.txt.gz', ALL),
    Page(f'{COMPAT}.arch_month', f'{A}/2026-January/', ALL),
    Page(f'{COMPAT}.redirect_list_id', f'/archives/list/{NEWS}/', ALL),
    Page(f'{COMPAT}.redirect_lists', '/archives/lists/', ALL),
    # HyperKitty: one's own.
    Page('hk_user_profile', '/archives/profile/', KNOWN),
    Page('hk_user_favorites', '/archives/profile/favorites', KNOWN),
    Page('hk_user_last_views', '/archives/profile/last_views', KNOWN),
    Page('hk_user_votes', '/archives/profile/votes', KNOWN),
    Page('hk_user_subscriptions', '/archives/profile/subscriptions', KNOWN),
    Page(
        'hk_user_posts', f'/archives/users/id-of-a/posts?list={NEWS_ADDRESS}', READERS
    ),
    # HyperKitty: a private archive.
    Page('hk_archives_with_day', f'{A}/2026/1/2/', READERS),
    Page('hk_archives_with_month', f'{A}/2026/1/', READERS),
    Page('hk_archives_latest', f'{A}/latest', READERS),
    Page('hk_list_overview', f'{A}/', READERS),
    Page('hk_list_recent_activity', f'{A}/recent-activity', READERS),
    Page('hk_list_overview_recent_threads', f'{A}/recent-threads', READERS),
    Page('hk_list_overview_pop_threads', f'{A}/pop-threads', READERS),
    Page('hk_list_overview_top_threads', f'{A}/top-threads', READERS),
    Page('hk_list_overview_favorites', f'{A}/favorites', READERS),
    Page('hk_list_overview_posted_to', f'{A}/posted-to', READERS),
    Page('hk_list_overview_top_posters', f'{A}/top-posters', READERS),
    Page('hk_list_export_mbox', f'{A}/export/all.mbox.gz', READERS),
    Page('hk_list_feed', f'{A}/feed/', READERS),
    Page('hk_message_index', f'{MESSAGE}/', READERS),
    Page('hk_message_attachment', f'{MESSAGE}/attachment/1/a.txt', READERS),
    Page('hk_message_vote', f'{MESSAGE}/vote', READERS, data={'vote': '1'}),
    Page('hk_message_reply', f'{MESSAGE}/reply', READERS, NONE),
    Page('hk_message_new', f'{A}/message/new', NONE),
    Page('hk_thread', f'{THREAD}/', READERS),
    Page('hk_thread_replies', f'{THREAD}/replies', READERS),
    Page(
        'hk_tags', f'{THREAD}/tags', READERS, data={'action': 'add', 'tag': 'something'}
    ),
    Page('hk_suggest_tags', f'{THREAD}/suggest-tags', READERS),
    Page('hk_favorite', f'{THREAD}/favorite', READERS, data={'action': 'add'}),
    Page('hk_api_mailinglist_detail', f'{API}/', READERS),
    Page('hk_api_thread_list', f'{API}/threads/', READERS),
    Page('hk_api_thread_detail', f'{API}/thread/{"T" * 32}/', READERS),
    Page('hk_api_email_list', f'{API}/emails/', READERS),
    Page('hk_api_email_detail', f'{API}/email/{"M" * 32}/', READERS),
    Page('hk_api_thread_email_list', f'{API}/thread/{"T" * 32}/emails/', READERS),
    # HyperKitty: changing the archive.
    Page('hk_message_delete', f'{MESSAGE}/delete', ADMINISTRATORS),
    Page('hk_thread_delete', f'{THREAD}/delete', ADMINISTRATORS),
    Page('hk_thread_reattach', f'{THREAD}/reattach', ADMINISTRATORS),
    Page('hk_thread_reattach_suggest', f'{THREAD}/reattach-suggest', ADMINISTRATORS),
    Page('hk_thread_set_category', f'{THREAD}/category', ADMINISTRATORS),
    Page('hk_list_delete', f'{A}/delete/', OPERATORS),
    Page('hk_api_tag_list', '/archives/api/tags/', OPERATORS),
    Page(
        'hk_api_sender_email_list',
        '/archives/api/sender/a@example.org/emails/',
        OPERATORS,
    ),
    # Accounts.
    Page('mm_user_profile', '/user-profile/', KNOWN),
    Page('mm_user_account_delete', '/user-profile/delete', KNOWN),
    Page('account_login', '/accounts/login/', ALL),
    Page('account_inactive', '/accounts/inactive/', ALL),
    Page('account_signup', '/accounts/signup/', ALL),
    # None of these people has a password to give, and a code by mail is off.
    Page('account_reauthenticate', '/accounts/reauthenticate/', NONE),
    Page(
        'account_request_reauthentication_code',
        '/accounts/reauthenticate/code/',
        NONE,
    ),
    Page(
        'account_confirm_reauthentication_code',
        '/accounts/reauthenticate/code/confirm/',
        NONE,
    ),
    Page('account_email', '/accounts/email/', KNOWN),
    Page('account_email_verification_sent', '/accounts/confirm-email/', ALL),
    Page('account_change_password', '/accounts/password/change/', KNOWN),
    Page('account_set_password', '/accounts/password/set/', KNOWN),
    Page('account_reset_password', '/accounts/password/reset/', ALL),
    Page('account_confirm_login_code', '/accounts/login/code/confirm/', KNOWN),
    Page('account_confirm_email', '/accounts/confirm-email/key/', ALL),
    Page(
        'account_reset_password_from_key_done',
        '/accounts/password/reset/key/done/',
        ALL,
    ),
    Page('account_reset_password_from_key', '/accounts/password/reset/key/1-key/', ALL),
    Page('account_reset_password_done', '/accounts/password/reset/done/', ALL),
    Page('socialaccount_login_cancelled', '/accounts/3rdparty/login/cancelled/', ALL),
    Page('socialaccount_login_error', '/accounts/3rdparty/login/error/', ALL),
    Page('socialaccount_signup', '/accounts/3rdparty/signup/', 'ssssssss'),
    Page('socialaccount_connections', '/accounts/3rdparty/', KNOWN),
    Page(SETTING, '/accounts/social/login/cancelled/', ALL),
    Page(SETTING, '/accounts/social/login/error/', ALL),
    Page(SETTING, '/accounts/social/signup/', ALL),
    Page(SETTING, '/accounts/social/connections/', ALL),
    Page('openid_connect_login', '/accounts/oidc/harp/login/', ALL, ALL),
    Page('openid_connect_callback', '/accounts/oidc/harp/login/callback/', ALL),
)

#: Stock patterns that one of ours stands before: nothing leads to them.
SHADOWED = Counter(
    [
        *('account_logout', 'list_anonymous_subscribe'),
        *(name for name, _route in all_pages(get_resolver(archive_urls.__name__))),
    ]
)
#: HyperKitty says "not implemented" so, and we that the provider does not answer.
ANSWERS = {
    f'{COMPAT}.arch_month_mbox': 500,
    'openid_connect_login': 503,
    'qnet_core_metrics': 502,
}


def label(page: Page) -> str:
    return f'{page.name} {page.path}'


def answer_of(response: Any, page: Page) -> str:
    """The letter for a response; the status where there is none."""
    status = response.status_code
    if status == 403:
        return 'x'
    if status == 302 and response['Location'].startswith('/accounts/login/'):
        return 's'
    if status < 500 or ANSWERS.get(page.name) == status:
        return 'o'
    return str(status)


def ask(site: GatedSite, page: Page, method: str) -> str:
    """What everybody gets; nothing of what happens is kept."""
    letters = []
    for name in EVERYBODY:
        browser = site.browser(name)
        with transaction.atomic():
            if method == 'GET':
                response = browser.get(page.path, secure=True)
            else:
                response = browser.post(page.path, page.data, secure=True)
            letters.append(answer_of(response, page))
            response.close()
            transaction.set_rollback(True)
    return ''.join(letters)


def test_no_page_is_missing() -> None:
    found = Counter(name for name, _route in all_pages() if ':' not in name)
    assert Counter(page.name for page in PAGES) + SHADOWED == found


def test_the_table_has_no_page_too_many() -> None:
    found = {name for name, _route in all_pages()}
    unknown = set(NEEDS) - found
    assert unknown == {'django.contrib.staticfiles.views.serve'}
    assert set(UNSAFE) | set(GUARDS) <= found


@pytest.mark.parametrize('page', PAGES, ids=label)
def test_the_address_is_of_the_page(page: Page) -> None:
    assert resolve(page.path.partition('?')[0]).view_name == page.name


def test_each_pattern_has_an_address() -> None:
    """Where several have the name, they are several."""
    routes = [resolve(page.path.partition('?')[0]).route for page in PAGES]
    assert [route for route, times in Counter(routes).items() if times > 1] == []


@pytest.mark.parametrize('page', PAGES, ids=label)
def test_who_gets_in_by_get(site: GatedSite, archive: Any, page: Page) -> None:
    assert ask(site, page, 'GET') == page.get


@pytest.mark.parametrize('page', PAGES, ids=label)
def test_who_gets_in_by_post(site: GatedSite, archive: Any, page: Page) -> None:
    assert ask(site, page, 'POST') == (page.post or page.get)


def test_the_database_pages_are_for_operators(site: GatedSite) -> None:
    """Django's own, whatever the name; there are more than a hundred."""
    names = {name for name, _route in all_pages() if ':' in name}
    assert {name.partition(':')[0] for name in names} == {'admin'}
    assert {need_of(name, 'GET') for name in names} == {Need.OPERATOR}
    paths = {'/admin/anything/'}
    for name in names:
        for args in ((), ('1',), ('auth',)):
            try:
                paths.add(reverse(name, args=args))
            except NoReverseMatch:
                continue
    assert len(paths) > 50
    for name, expected in (('', 302), ('administrator', 403)):
        browser = site.browser(name)
        statuses = {browser.get(path, secure=True).status_code for path in paths}
        assert statuses == {expected}
    for path in ('/admin/', '/admin/login/', '/admin/auth/user/1/delete/'):
        assert site.browser('administrator').post(path, secure=True).status_code == 403


def test_operators_open_the_database_pages(site: GatedSite) -> None:
    browser = site.browser('operator')
    for path in ('/admin/', '/admin/auth/user/', '/admin/hyperkitty/mailinglist/'):
        assert browser.get(path, secure=True).status_code == 200


def test_a_page_that_is_not_in_the_table(
    site: GatedSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert check_pages() == []
    known = {name: need for name, need in policy.NEEDS.items() if name != 'hk_root'}
    monkeypatch.setattr(policy, 'NEEDS', MappingProxyType(known))
    assert [each.id for each in check_pages()] == ['qnet_gate.W001']
    with caplog.at_level('ERROR', logger='qnet.web'):
        answers = [
            site.browser(name).get('/archives/', secure=True).status_code
            for name in EVERYBODY
        ]
    assert answers == [403] * 7 + [200]


def test_another_list_is_another_list(site: GatedSite) -> None:
    path = f'/mailman3/lists/{OTHER}/settings/digest'
    browser = site.browser('administrator')
    assert browser.get(path, secure=True).status_code == 403
    assert site.browser('elsewhere').get(path, secure=True).status_code == 200


@pytest.mark.parametrize('name', [NEWS, NEWS_ADDRESS, 'News.Example.gov'])
def test_every_way_to_name_a_list(site: GatedSite, name: str) -> None:
    path = f'/mailman3/lists/{name}/settings/digest'
    assert site.browser('owner_without_role').get(path, secure=True).status_code == 403
    opened = site.browser('administrator').get(path, secure=True).status_code
    assert opened == (404 if name == 'News.Example.gov' else 200)
