# SPDX-License-Identifier: GPL-3.0-or-later
"""A sign-in opens the account of its issuer and subject, and no other."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.contrib.auth import get_user_model
from django.utils import timezone

from qnet_mailman.web.accounts import flows
from qnet_mailman.web.core import CoreUnavailable
from qnet_mailman.web.harp.provider import MAX_UID, uid_of
from tests.web.harp.conftest import RolesCore
from tests.web.harp.hostile import PERSON, HostileProvider, new_browser

PASSWORD = 'correct horse battery staple'


def account(name: str, email: str, *, verified: bool, signed_in: bool = True) -> Any:
    """A local account with a password."""
    user = get_user_model().objects.create_user(name, email, PASSWORD)
    if signed_in:
        user.last_login = timezone.now()
        user.save()
    EmailAddress.objects.create(user=user, email=email, verified=verified, primary=True)
    return user


def who(browser: Any) -> int | None:
    number = browser.session.get('_auth_user_id')
    return None if number is None else int(number)


def sign_in_with_password(browser: Any, login: str) -> Any:
    return browser.post('/accounts/login/', {'login': login, 'password': PASSWORD})


def addresses(user: Any) -> dict[str, bool]:
    found = EmailAddress.objects.filter(user=user)
    return {address.email: address.verified for address in found}


def linked(user: Any) -> list[str]:
    return [one.uid for one in SocialAccount.objects.filter(user=user)]


def test_a_new_person_gets_an_account(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    hostile.sign_in(new_browser())
    user = get_user_model().objects.get()
    assert addresses(user) == {'ann@example.gov': True}
    assert linked(user) == [f'{hostile.issuer}|subject-1']
    assert not user.has_usable_password()
    assert (user.first_name, user.last_name) == ('Ann', 'Example')
    assert not user.is_staff and not user.is_superuser


def test_the_same_person_gets_the_same_account(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    one, two = new_browser(), new_browser()
    hostile.sign_in(one)
    hostile.sign_in(two)
    assert who(one) == who(two) is not None
    assert get_user_model().objects.count() == 1


def test_attack_the_same_address_with_another_subject(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    hostile.sign_in(new_browser())
    hostile.claims['sub'] = 'subject-2'
    browser = new_browser()
    response = hostile.sign_in(browser)
    assert response.status_code == 409
    assert 'not linked' in response.content.decode()
    assert who(browser) is None
    assert len(roles_core.sign_ins) == 1


def test_attack_the_same_subject_of_another_issuer(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    """Also where the other takes the place of the first in the settings."""
    first = new_browser()
    hostile.sign_in(first)
    with HostileProvider() as other, other.known_as('harp'):
        other.claims['email'] = 'mallory@example.org'
        other.claims['preferred'] = 'mallory'
        browser = new_browser()
        response = other.sign_in(browser)
        # The HARP ID, by default the subject, is another subject's.
        assert response.status_code == 409
        assert who(browser) is None


def test_attack_another_subject_with_the_same_harp_id(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    with HostileProvider() as eua, eua.known_as('eua', claims={'user_id': 'harp_id'}):
        eua.claims['harp_id'] = 'ANN'
        eua.sign_in(new_browser(), 'eua')
        eua.claims.update(sub='subject-2', email='mallory@example.org', harp_id='ann')
        browser = new_browser()
        response = eua.sign_in(browser, 'eua')
        assert response.status_code == 409
        assert 'has changed' in response.content.decode()
        assert who(browser) is None
        assert len(roles_core.sign_ins) == 1


def test_attack_the_address_of_a_local_account(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    victim = account('ann', 'ann@example.gov', verified=True)
    browser = new_browser()
    response = hostile.sign_in(browser)
    assert response.status_code == 409
    assert '/accounts/3rdparty/' in response.content.decode()
    assert who(browser) is None
    assert linked(victim) == []
    assert roles_core.sign_ins == []


def test_the_case_of_an_address_does_not_matter(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    account('ann', 'Ann@Example.GOV', verified=True)
    assert hostile.sign_in(new_browser()).status_code == 409


def test_linking_with_the_proof_of_the_password(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    user = account('ann', 'ann@example.gov', verified=True)
    browser = new_browser()
    sign_in_with_password(browser, 'ann')
    response = hostile.sign_in(browser, process='connect')
    assert response.status_code == 302
    assert linked(user) == [f'{hostile.issuer}|subject-1']
    other = new_browser()
    assert hostile.sign_in(other).status_code == 302
    assert who(other) == user.pk


def test_linking_does_not_take_another_accounts_address(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    account('ann', 'ann@example.gov', verified=True)
    mallory = account('mallory', 'mallory@example.org', verified=True)
    browser = new_browser()
    sign_in_with_password(browser, 'mallory')
    assert hostile.sign_in(browser, process='connect').status_code == 409
    assert linked(mallory) == []
    assert addresses(mallory) == {'mallory@example.org': True}


def test_linking_somebody_elses_identity_is_refused(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    hostile.sign_in(new_browser())
    mallory = account('mallory', 'mallory@example.org', verified=True)
    browser = new_browser()
    sign_in_with_password(browser, 'mallory')
    hostile.sign_in(browser, process='connect')
    assert linked(mallory) == []
    assert who(browser) == mallory.pk


@pytest.mark.parametrize('own', [True, False], ids=['sign-up', 'second address'])
def test_a_claim_does_not_keep_the_owner_out(
    hostile: HostileProvider, roles_core: RolesCore, own: bool
) -> None:
    if own:
        squatter = account('m', 'ann@example.gov', verified=False, signed_in=False)
    else:
        squatter = account('m', 'mallory@example.org', verified=True)
        EmailAddress.objects.create(
            user=squatter, email='ann@example.gov', verified=False
        )
    browser = new_browser()
    assert hostile.sign_in(browser).status_code == 302
    assert who(browser) not in (None, squatter.pk)
    squatter.refresh_from_db()
    assert 'ann@example.gov' not in addresses(squatter)
    assert squatter.email != 'ann@example.gov'


def test_an_operators_account_is_no_mere_claim(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    get_user_model().objects.create_superuser('boss', 'ann@example.gov', PASSWORD)
    assert hostile.sign_in(new_browser()).status_code == 409


def test_a_new_address_takes_the_place_of_the_old_one(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    hostile.sign_in(new_browser())
    hostile.claims['email'] = 'ann.married@example.gov'
    assert hostile.sign_in(new_browser()).status_code == 302
    user = get_user_model().objects.get()
    assert user.email == 'ann.married@example.gov'
    assert addresses(user) == {'ann.married@example.gov': True}
    assert roles_core.deleted == ['/3.1/addresses/ann@example.gov/user']
    # Whoever has the old address now gets an account of their own.
    hostile.claims.update(sub='subject-2', email='ann@example.gov')
    browser = new_browser()
    assert hostile.sign_in(browser).status_code == 302
    assert who(browser) != user.pk


def test_a_new_address_that_is_another_accounts(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    victim = account('victim', 'victim@example.org', verified=True)
    hostile.sign_in(new_browser())
    hostile.claims['email'] = 'victim@example.org'
    assert hostile.sign_in(new_browser()).status_code == 409
    assert addresses(victim) == {'victim@example.org': True}
    ann = get_user_model().objects.get(email='ann@example.gov')
    assert addresses(ann) == {'ann@example.gov': True}


def test_the_old_address_stays_until_core_knows(
    hostile: HostileProvider, roles_core: RolesCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile.sign_in(new_browser())
    hostile.claims['email'] = 'ann.married@example.gov'

    def fail(*_args: object) -> None:
        raise CoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(flows, 'call', fail)
        assert hostile.sign_in(new_browser()).status_code == 503
    assert hostile.sign_in(new_browser()).status_code == 302
    assert roles_core.deleted == ['/3.1/addresses/ann@example.gov/user']


def test_a_new_harp_id_ends_the_roles_of_the_old_one(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    with HostileProvider() as eua, eua.known_as('eua', claims={'user_id': 'harp_id'}):
        eua.claims['harp_id'] = 'old'
        eua.sign_in(new_browser(), 'eua')
        eua.claims['harp_id'] = 'new'
        assert eua.sign_in(new_browser(), 'eua').status_code == 302
    assert roles_core.granted == {
        ('eua', 'old'): [],
        ('eua', 'new'): ['administrator'],
    }


def test_an_account_that_was_closed_stays_closed(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    hostile.sign_in(new_browser())
    get_user_model().objects.update(is_active=False)
    browser = new_browser()
    hostile.sign_in(browser)
    assert who(browser) is None


def test_what_is_kept_of_the_claims(
    hostile: HostileProvider, roles_core: RolesCore
) -> None:
    hostile.claims['ssn'] = '000-00-0000'
    hostile.sign_in(new_browser())
    assert SocialAccount.objects.get().extra_data == {
        'issuer': hostile.issuer,
        'sub': 'subject-1',
        'name': PERSON['name'],
        'email': PERSON['email'],
    }
    assert not SocialToken.objects.exists()


def test_a_subject_of_any_length() -> None:
    assert uid_of('https://a.example', 'x') == 'https://a.example|x'
    long, other = (uid_of('https://a.example', 'x' * 254 + end) for end in 'yz')
    assert long != other
    assert len(long) <= MAX_UID
