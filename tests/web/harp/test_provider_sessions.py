# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights ride on a session that was signed in through a provider (R26, R27)."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth import get_user, get_user_model, login
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.cache.backends import db as database_cache
from django.core.management import call_command
from django.http import HttpRequest
from django.test import override_settings
from django.utils import timezone

from qnet_mailman.web.core import Answer, CoreUnavailable, acting_as
from qnet_mailman.web.harp.models import ProviderPerson, ProviderSession
from qnet_mailman.web.harp.rights import NO_RIGHTS, forget, read_rights, rights_of
from qnet_mailman.web.harp.session import SESSION_KEY, Identity, identity
from tests.web.harp.conftest import RolesCore
from tests.web.harp.hostile import HostileProvider, new_browser
from tests.web.harp.test_whose_account import (
    PASSWORD,
    account,
    sign_in_with_password,
    who,
)


def identity_in(browser: Any) -> Any:
    """What a page would see in this browser."""
    request = HttpRequest()
    store = import_module(settings.SESSION_ENGINE).SessionStore
    request.session = store(browser.cookies['sessionid'].value)
    request.user = get_user(request)
    return identity(request)


def rights_in(browser: Any) -> Any:
    found = identity_in(browser)
    return NO_RIGHTS if found is None else rights_of(found)


def ann() -> Any:
    return get_user_model().objects.get(email='ann@example.gov')


@pytest.fixture
def browser(hostile: HostileProvider, roles_core: RolesCore) -> Any:
    """Ann's, signed in through the provider, with the role."""
    found = new_browser()
    assert hostile.sign_in(found).status_code == 302
    return found


def test_signed_in_through_the_provider(browser: Any) -> None:
    assert identity_in(browser) == Identity('harp', 'subject-1')
    rights = rights_in(browser)
    assert rights.roles == {'administrator'}
    assert rights.administers == {'news.example.gov'}


def test_the_sign_in_itself_fills_the_cache(
    browser: Any, roles_core: RolesCore
) -> None:
    rights_in(browser)
    assert roles_core.looked_up == 0


def test_attack_a_password_on_an_administrators_address(
    browser: Any, roles_core: RolesCore
) -> None:
    """HARP knows the person, who has also set a password ("Forgot password?")."""
    user = ann()
    user.set_password(PASSWORD)
    user.save()
    other = new_browser()
    sign_in_with_password(other, 'ann@example.gov')
    assert who(other) == user.pk
    assert identity_in(other) is None
    assert rights_in(other).roles == frozenset()


def test_a_new_password_ends_the_session_of_before(browser: Any) -> None:
    user = ann()
    user.set_password(PASSWORD)
    user.save()
    assert identity_in(browser) is None


def test_signing_in_again_with_a_password_in_the_same_browser(browser: Any) -> None:
    # Django keeps the session's data for the same person.
    request = HttpRequest()
    request.session = browser.session
    request.user = ann()
    assert SESSION_KEY in request.session
    login(request, ann(), 'django.contrib.auth.backends.ModelBackend')
    assert SESSION_KEY not in request.session


def test_being_asked_for_the_password_in_between(browser: Any) -> None:
    session = browser.session
    records = session['account_authentication_methods']
    again = {'method': 'password', 'at': 1.0}
    session['account_authentication_methods'] = [
        *records,
        {**again, 'reauthenticated': True},
    ]
    session.save()
    assert identity_in(browser) is not None
    session['account_authentication_methods'] = [*records, again]
    session.save()
    assert identity_in(browser) is None


def test_allauths_record_alone_is_not_enough(browser: Any) -> None:
    session = browser.session
    del session[SESSION_KEY]
    session.save()
    assert identity_in(browser) is None


def test_our_own_record_alone_is_not_enough(browser: Any) -> None:
    session = browser.session
    del session['account_authentication_methods']
    session.save()
    assert identity_in(browser) is None


def test_a_sign_in_that_core_does_not_take_ends_what_was_known(
    browser: Any, hostile: HostileProvider, roles_core: RolesCore
) -> None:
    hostile.claims['roles'] = []
    roles_core.down = True
    assert hostile.sign_in(new_browser()).status_code == 503
    assert rights_in(browser).roles == frozenset()


def test_the_record_of_another_session_is_not_enough(
    browser: Any, hostile: HostileProvider
) -> None:
    account('eve', 'eve@example.org', verified=True)
    eve = new_browser()
    sign_in_with_password(eve, 'eve')
    session = eve.session
    session[SESSION_KEY] = ProviderSession.objects.get().pk
    session['account_authentication_methods'] = browser.session[
        'account_authentication_methods'
    ]
    session.save()
    assert identity_in(eve) is None
    eve.get('/')
    assert who(eve) is None


def test_a_link_that_was_removed(browser: Any) -> None:
    SocialAccount.objects.all().delete()
    assert identity_in(browser) is None
    browser.get('/')
    assert who(browser) is None


def test_a_provider_that_was_removed(browser: Any) -> None:
    with override_settings(OPENID_PROVIDERS={}):
        assert identity_in(browser) is None


def test_attack_a_stolen_cookie_after_revocation(
    browser: Any, roles_core: RolesCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rights are gone within 60 seconds; the cookie lives on without."""
    thief = new_browser()
    thief.cookies = browser.cookies
    roles_core.granted.clear()
    assert rights_in(thief).roles == {'administrator'}
    later = timezone.now() + timedelta(seconds=60)
    monkeypatch.setattr(database_cache, 'tz_now', lambda: later)
    assert rights_in(thief).roles == frozenset()
    assert identity_in(thief) is not None


def test_rights_count_from_when_they_were_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from qnet_mailman.web.harp import rights

    lives = []
    monkeypatch.setattr(cache, 'set', lambda _key, _value, life: lives.append(life))
    rights.remember(Identity('harp', 'x'), rights.NO_RIGHTS)
    rights.remember(Identity('harp', 'x'), rights.NO_RIGHTS, 4)
    rights.remember(Identity('harp', 'x'), rights.NO_RIGHTS, 90)
    assert lives == [60, 56, 0]


def test_forgetting_asks_core_anew(browser: Any, roles_core: RolesCore) -> None:
    roles_core.granted.clear()
    forget(identity_in(browser))
    assert rights_in(browser).roles == frozenset()
    rights_in(browser)
    assert roles_core.looked_up == 1


def test_user_ids_differ_in_more_than_case(roles_core: RolesCore) -> None:
    roles_core.granted['harp', 'ann'] = ['administrator']
    assert rights_of(Identity('harp', 'ANN')).roles == {'administrator'}
    assert rights_of(Identity('harp', 'Ann')).roles == {'administrator'}
    assert roles_core.looked_up == 1
    assert rights_of(Identity('eua', 'ann')).roles == frozenset()


def test_core_is_down_and_nobody_has_a_right(
    roles_core: RolesCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qnet_mailman.web.harp import rights

    roles_core.granted['harp', 'ann'] = ['administrator']
    roles_core.down = True
    asked = []
    call = rights.call
    monkeypatch.setattr(
        rights, 'call', lambda *a, **k: asked.append(a) or call(*a, **k)
    )
    for _ in range(3):
        assert rights.rights_of(Identity('harp', 'ann')) == rights.NO_RIGHTS
    # Pages do not wait for it each time.
    assert len(asked) == 1


@pytest.mark.parametrize(
    ('status', 'answer'),
    [
        (404, {}),
        (200, {}),
        (200, {'roles': ['administrator']}),
        (200, {'roles': 'administrator', 'administers': [], 'moderates': []}),
        (200, {'roles': [1], 'administers': [], 'moderates': []}),
    ],
)
def test_an_answer_that_is_none(status: int, answer: Any) -> None:
    with pytest.raises(CoreUnavailable):
        read_rights(Answer(status, answer))


def superuser() -> Any:
    boss = get_user_model().objects.create_superuser(
        'boss', 'boss@example.gov', PASSWORD
    )
    EmailAddress.objects.create(user=boss, email=boss.email, verified=True)
    return boss


def test_a_superuser_with_a_password_is_shown_out(hostile: HostileProvider) -> None:
    superuser()
    browser = new_browser()
    sign_in_with_password(browser, 'boss')
    response = browser.get('/admin/')
    assert response.status_code == 403
    assert 'cannot sign in with a password' in response.content.decode()
    assert who(browser) is None


def test_a_superuser_through_djangos_own_door(hostile: HostileProvider) -> None:
    superuser()
    browser = new_browser()
    browser.post('/admin/login/', {'username': 'boss', 'password': PASSWORD})
    assert browser.get('/admin/').headers['Location'].startswith('/accounts/login/')
    assert who(browser) is None


def test_a_superuser_in_an_emergency(hostile: HostileProvider) -> None:
    superuser()
    browser = new_browser()
    with override_settings(LOCAL_SUPERUSERS=True):
        sign_in_with_password(browser, 'boss')
        assert browser.get('/admin/').status_code == 200
    # Turned off again, it ends the session at once.
    assert browser.get('/admin/').status_code == 403


def test_superusers_are_in_the_audit_log(
    roles_core: RolesCore, caplog: pytest.LogCaptureFixture
) -> None:
    call_command(
        'createsuperuser',
        username='chief',
        email='chief@example.gov',
        interactive=False,
    )
    chief = get_user_model().objects.get(username='chief')
    chief.is_superuser = False
    chief.save()
    chief.save(update_fields=['last_login'])
    with acting_as(lambda: 'harp:pexample'):
        superuser().delete()
    told = [
        (each['change'], each['provider'], each['user_id'], each['email'])
        for each in roles_core.operators
    ]
    of_chief = (['local'], ['chief'], ['chief@example.gov'])
    of_boss = (['local'], ['boss'], ['boss@example.gov'])
    assert told == [
        (['add'], *of_chief),
        (['remove'], *of_chief),
        (['add'], *of_boss),
        (['remove'], *of_boss),
    ]
    actors = [each['actor'][0].partition(':')[0] for each in roles_core.operators]
    assert actors == ['operator', 'operator', 'harp', 'harp']
    # In an emergency it goes on without.
    roles_core.down = True
    superuser()
    assert 'Not in the audit log' in caplog.text


def test_a_superuser_through_the_provider(browser: Any, roles_core: RolesCore) -> None:
    user = ann()
    user.is_staff = user.is_superuser = True
    user.save()
    ProviderPerson.objects.filter(account__user=user).update(is_operator=True)
    assert browser.get('/admin/').status_code == 200


def test_without_a_provider_superusers_are_let_in() -> None:
    assert settings.OPENID_PROVIDERS == {}
    assert settings.LOCAL_SUPERUSERS is True


def test_a_member_with_a_password_is_none_of_this(hostile: HostileProvider) -> None:
    user = account('eve', 'eve@example.org', verified=True)
    browser = new_browser()
    sign_in_with_password(browser, 'eve')
    browser.get('/')
    assert who(browser) == user.pk


def test_a_new_session_key_is_followed(browser: Any) -> None:
    session = browser.session
    session.cycle_key()
    session.save()
    browser.cookies['sessionid'] = session.session_key
    browser.get('/')
    assert ProviderSession.objects.get().session_key == session.session_key
    assert Session.objects.filter(session_key=session.session_key).exists()


def test_the_sign_in_page_has_a_button_for_each_provider(
    hostile: HostileProvider,
) -> None:
    page = new_browser().get('/accounts/login/').content.decode()
    assert 'Sign in with HARP' in page
    assert 'action="/accounts/oidc/harp/login/?process=login"' in page
