# SPDX-License-Identifier: GPL-3.0-or-later
"""People with and without a role, each with a browser, and an archive to read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import get_user_model
from django.contrib.sites.models import Site
from django.core.cache import cache
from django.test import Client, override_settings
from django_mailman3.models import MailDomain
from hyperkitty.models import (
    ArchivePolicy,
    Attachment,
    Email,
    MailingList,
    Sender,
    Thread,
)

from qnet_mailman.web.harp.config import for_allauth, read_providers
from qnet_mailman.web.harp.models import ProviderPerson, ProviderSession
from qnet_mailman.web.harp.session import SESSION_KEY
from tests.web.gate.stub_mailman import (
    DOMAIN,
    NEWS,
    NEWS_ADDRESS,
    OTHER,
    StubMailman,
    running,
)

PROVIDER = {
    'name': 'HARP',
    'issuer': 'http://127.0.0.1:1',
    'client_id': 'mailer',
    'client_secret': 'a secret',
}
ADMINISTRATOR, MODERATOR = 'administrator', 'moderator'
BACKEND = 'django.contrib.auth.backends.ModelBackend'

#: Everybody, but nobody and the operator: what they are on the rosters of the list,
#: and what core says of them.  An owner without role is one behind our back.
PEOPLE: dict[str, tuple[tuple[str, ...], dict[str, list[str]]]] = {
    'member': (('member',), {}),
    'owner_without_role': (('owner',), {}),
    'owner_as_moderator': (('owner',), {'roles': [MODERATOR], 'moderates': [NEWS]}),
    'moderator': (('moderator',), {'roles': [MODERATOR], 'moderates': [NEWS]}),
    'administrator': (('owner',), {'roles': [ADMINISTRATOR], 'administers': [NEWS]}),
    'elsewhere': ((), {'roles': [ADMINISTRATOR], 'administers': [OTHER]}),
}


@dataclass
class GatedSite:
    """The web side, its core, and who can use it.

    :ivar core: The stand-in for core.
    :ivar users: Accounts by name.
    """

    core: StubMailman
    users: dict[str, Any] = field(default_factory=dict)
    cookies: dict[tuple[str, bool], str] = field(default_factory=dict)

    def browser(self, name: str, *, password: bool = False) -> Client:
        """A browser in which somebody is signed in.

        :param name: Of a person; empty for nobody.
        :param password: With a local password, not through the provider.
        """
        client = Client(
            raise_request_exception=False, headers={'host': 'lists.example.gov'}
        )
        if not name:
            return client
        if (name, password) not in self.cookies:
            client.force_login(self.users[name], BACKEND)
            if not password:
                _begin_at_provider(client, self.users[name])
            self.cookies[name, password] = client.cookies['sessionid'].value
        client.cookies['sessionid'] = self.cookies[name, password]
        return client

    def add(self, name: str, **fields: Any) -> Any:
        """Make an account that the provider knows."""
        email = f'{name}@example.gov'
        user = get_user_model().objects.create_user(name, email, **fields)
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
        account = SocialAccount.objects.create(
            user=user, provider='harp', uid=f'{PROVIDER["issuer"]}|{name}'
        )
        ProviderPerson.objects.create(
            account=account,
            provider='harp',
            issuer=PROVIDER['issuer'],
            subject=name,
            user_id=name,
            email=email,
            is_operator=user.is_superuser,
        )
        self.users[name] = user
        return user


def _begin_at_provider(client: Client, user: Any) -> None:
    """Make the session one that was signed in through the provider."""
    person = ProviderPerson.objects.get(account__user=user)
    session = client.session
    row = ProviderSession.objects.create(
        person=person, session_key=session.session_key, sid=''
    )
    session[SESSION_KEY] = row.pk
    session['account_authentication_methods'] = [
        {'method': 'socialaccount', 'provider': 'harp', 'uid': person.account.uid}
    ]
    session['account_authentication_methods_user'] = str(user.pk)
    session.save()


@pytest.fixture(scope='module')
def site(web: Path) -> Iterator[GatedSite]:
    """The site with its people, and a private archive of the list."""
    providers = read_providers({'harp': PROVIDER})
    with ExitStack() as stack:
        core = stack.enter_context(running())
        stack.enter_context(
            override_settings(
                OPENID_PROVIDERS=providers,
                SOCIALACCOUNT_PROVIDERS=for_allauth(providers),
                LOCAL_SUPERUSERS=False,
                # Not undone with what a test does to the database.
                CACHES={
                    'default': {
                        'BACKEND': 'django.core.cache.backends.locmem.LocMemCache'
                    }
                },
            )
        )
        found = GatedSite(core)
        # With all that is there for those who talk.
        core.kind = 'discussion'
        for name, (rosters, rights) in PEOPLE.items():
            found.add(name)
            for role in rosters:
                core.rosters.setdefault((NEWS, role), []).append(f'{name}@example.gov')
            core.rights[name] = rights
        found.add('operator', is_superuser=True, is_staff=True)
        MailDomain.objects.create(site=Site.objects.get(), mail_domain=DOMAIN)
        cache.clear()
        yield found
        MailDomain.objects.all().delete()
        MailingList.objects.all().delete()
        get_user_model().objects.all().delete()
        cache.clear()


@pytest.fixture
def forgotten(site: GatedSite) -> Iterator[GatedSite]:
    """The site; nothing is cached, and what core was asked is not known."""
    cache.clear()
    site.core.asked.clear()
    site.core.changes.clear()
    site.core.public.clear()
    yield site
    site.core.public.clear()
    cache.clear()


@pytest.fixture(scope='module')
def archive(site: GatedSite) -> Any:
    """A private archive with one message."""
    return an_archive()


def an_archive(address: str = NEWS_ADDRESS, copied: str = 'public') -> Any:
    """An archive with a message, which has an attachment.

    :param copied: The policy in HyperKitty's copy; what counts is in `core.public`.
        Until its job has run, the copy says that it is public.
    """
    mlist = MailingList.objects.create(
        name=address,
        list_id=address.replace('@', '.'),
        display_name='News',
        archive_policy=ArchivePolicy[copied].value,
    )
    sender, _new = Sender.objects.get_or_create(
        address='a@example.org', defaults={'mailman_id': 'id-of-a'}
    )
    when = datetime(2026, 1, 2, tzinfo=UTC)
    thread = Thread.objects.create(
        mailinglist=mlist, thread_id='T' * 32, date_active=when
    )
    email = Email.objects.create(
        mailinglist=mlist,
        message_id=f'1@{address}',
        message_id_hash='M' * 32,
        sender=sender,
        sender_name='A',
        subject='Quarterly numbers',
        content='The secret text.',
        date=when,
        timezone=0,
        thread=thread,
    )
    thread.starting_email = email
    thread.save()
    Attachment.objects.create(
        email=email,
        counter=1,
        name='a.txt',
        content_type='text/plain',
        content=b'text',
        size=4,
    )
    return mlist
