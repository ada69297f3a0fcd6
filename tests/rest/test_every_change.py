# SPDX-License-Identifier: GPL-3.0-or-later
"""Every resource of core that changes something leaves a row with who did it (R31).

Found by looking at Mailman's classes, so that a resource that is new is noticed.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import time
from collections.abc import Iterator
from typing import Any

import mailman.rest
import pytest
from mailman.app.moderator import hold_message
from mailman.config import config
from mailman.interfaces.bans import IBanManager
from mailman.interfaces.mailinglist import IHeaderMatchList
from mailman.interfaces.subscriptions import ISubscriptionManager, TokenOwner
from mailman.interfaces.template import ALL_TEMPLATES
from mailman.interfaces.usermanager import IUserManager
from sqlalchemy import func, select
from zope.component import getUtility

from qnet_mailman.core_actor import FIELD, sign
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.rest import acting
from tests.helpers import make_user, message, subscribe
from tests.rest.client import ask

pytestmark = pytest.mark.mlist('notification', 'private')

KEY, WHO = 'a key that only the two have', 'harp:pexample'
KIM, PAT, NEW = 'kim@agency.example.gov', 'pat@agency.example.gov', 'new@example.org'
SAM = 'sam@agency.example.gov'
METHODS = ('on_post', 'on_put', 'on_patch', 'on_delete')

ALL_PREFERENCES = {
    'acknowledge_posts': True,
    'delivery_mode': 'regular',
    'delivery_status': 'by_user',
    'hide_address': False,
    'preferred_language': 'en',
    'receive_list_copy': True,
    'receive_own_postings': True,
}
DOMAIN = {
    'description': 'x',
    'owner': SAM,
    'alias_domain': '',
    'base_url': 'http://x.example.gov/',
}
MATCH = {'header': 'x-new', 'pattern': 'y'}
PASSWORD = {'display_name': 'K', 'cleartext_password': 'x' * 12}
MEMBER = {
    'list_id': '{list}',
    'subscriber': NEW,
    **dict.fromkeys(('pre_verified', 'pre_confirmed', 'pre_approved'), True),
}
FOOTER = 'list:member:regular:footer'
NOTHING = 'changes nothing'
FILES = 'is about files, which belong to no list'

# By class and method: what is asked for, or why there is nothing to see.
ASKED: dict[str, tuple[str, Any] | str] = {
    'addresses._VerifyResource.on_post': ('addresses/{pat}/verify', {}),
    'addresses.PreferredAddress.on_post': (
        'users/{sam}/preferred_address',
        {'email': SAM},
    ),
    'addresses.PreferredAddress.on_delete': ('users/{kim}/preferred_address', None),
    'addresses.AnAddress.on_patch': ('addresses/{kim}', {'display_name': 'K'}),
    'addresses.AnAddress.on_delete': ('addresses/{pat}', None),
    'addresses.UserAddresses.on_post': ('users/{kim}/addresses', {'email': NEW}),
    'bans.BannedEmail.on_delete': ('lists/{list}/bans/bad@example.org', None),
    'bans.BannedEmails.on_post': ('bans', {'email': NEW}),
    'domains.ADomain.on_delete': ('domains/other.example.gov', None),
    'domains.ADomain.on_put': ('domains/other.example.gov', DOMAIN),
    'domains.ADomain.on_patch': ('domains/other.example.gov', {'description': 'x'}),
    'domains.AllDomains.on_post': ('domains', {'mail_host': 'x.example.gov'}),
    'header_matches.HeaderMatch.on_delete': ('lists/{list}/header-matches/0', None),
    'header_matches.HeaderMatch.on_put': ('lists/{list}/header-matches/0', MATCH),
    'header_matches.HeaderMatch.on_patch': (
        'lists/{list}/header-matches/0',
        {'pattern': 'z'},
    ),
    'header_matches.HeaderMatches.on_post': ('lists/{list}/header-matches', MATCH),
    'header_matches.HeaderMatches.on_delete': ('lists/{list}/header-matches', None),
    'header_matches.FindHeaderMatches.on_post': NOTHING,
    'listconf.ListConfiguration.on_put': (
        'lists/{list}/config/description',
        {'description': 'x'},
    ),
    'listconf.ListConfiguration.on_patch': ('lists/{list}/config', {'info': 'x'}),
    'listconf.ListConfiguration.on_delete': (
        'lists/{list}/config/acceptable_aliases',
        None,
    ),
    'lists.FindLists.on_post': NOTHING,
    'lists.AList.on_delete': ('lists/{list}', None),
    'lists.AllLists.on_post': ('lists', {'fqdn_listname': 'b@lists.example.gov'}),
    'lists.MembersOfList.on_delete': (
        'lists/{list}/roster/member',
        {'emails': [KIM]},
    ),
    'lists.ListArchivers.on_put': (
        'lists/{list}/archivers',
        {'prototype': True},
    ),
    'lists.ListArchivers.on_patch': ('lists/{list}/archivers', {'prototype': True}),
    'lists.ListDigest.on_post': ('lists/{list}/digest', {'bump': True}),
    'members.AMember.on_delete': ('members/{member}', None),
    'members.AMember.on_patch': ('members/{member}', {'moderation_action': 'hold'}),
    'members.AllMembers.on_post': ('members', MEMBER),
    'members.FindMembers.on_post': NOTHING,
    'post_moderation.HeldMessage.on_post': (
        'lists/{list}/held/{held}',
        {'action': 'discard'},
    ),
    'preferences.Preferences.on_patch': (
        'users/{kim}/preferences',
        {'hide_address': True},
    ),
    'preferences.Preferences.on_put': ('addresses/{kim}/preferences', ALL_PREFERENCES),
    'preferences.Preferences.on_delete': ('members/{member}/preferences', None),
    'queues.AQueue.on_post': FILES,
    'queues.AQueueFile.on_delete': FILES,
    'root.Reserved.on_delete': FILES,
    'sub_moderation.IndividualRequest.on_post': (
        'lists/{list}/requests/{request}',
        {'action': 'accept'},
    ),
    'uris._URIBase.on_put': (
        'uris',
        dict.fromkeys(ALL_TEMPLATES, 'http://localhost/x'),
    ),
    'uris._URIBase.on_patch': ('lists/{list}/uris', {FOOTER: 'http://localhost/x'}),
    'uris._URIBase.on_delete': ('domains/lists.example.gov/uris', None),
    'users.AllUsers.on_post': ('users', {'email': NEW}),
    'users.AUser.on_delete': ('users/{kim}', None),
    'users.AUser.on_patch': ('users/{kim}', {'display_name': 'K'}),
    'users.AUser.on_put': ('users/{kim}', {**PASSWORD, 'is_server_owner': True}),
    'users.AddressUser.on_delete': ('addresses/{kim}/user', None),
    'users.AddressUser.on_post': ('addresses/{lone}/user', {'auto_create': True}),
    'users.AddressUser.on_put': ('addresses/{lone}/user', {'user_id': '{kim_id}'}),
    'users.Login.on_post': NOTHING,
    'users.OwnersForDomain.on_post': (
        'domains/other.example.gov/owners',
        {'owner': PAT},
    ),
    'users.OwnersForDomain.on_delete': ('domains/lists.example.gov/owners', None),
}


def handlers() -> Iterator[str]:
    """Every method of Mailman's resources that may change something."""
    for module in pkgutil.iter_modules(mailman.rest.__path__):
        if module.ispkg or module.name == 'helpers':
            continue
        found = importlib.import_module(f'mailman.rest.{module.name}')
        for name, each in inspect.getmembers(found, inspect.isclass):
            if each.__module__ == found.__name__:
                for method in METHODS:
                    if method in vars(each):
                        yield f'{module.name}.{name}.{method}'


def test_nothing_is_new(core: Any) -> None:
    assert sorted(handlers()) == sorted(ASKED)


@pytest.fixture
def named(mlist: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A list with something of each kind, and what it is called."""
    from mailman.interfaces.domain import IDomainManager
    from mailman.interfaces.mailinglist import IAcceptableAliasSet
    from mailman.interfaces.template import ITemplateManager

    monkeypatch.setattr(acting, '_key', lambda: KEY)
    users = getUtility(IUserManager)
    member = subscribe(mlist, KIM)
    kim = users.get_user(KIM)
    kim.preferred_address = next(iter(kim.addresses))
    member.preferences.hide_address = True
    make_user(PAT, 'Pat')
    make_user(SAM, 'Sam')
    users.create_address('lone@agency.example.gov', 'L')
    users.get_address(PAT).verified_on = None
    domains = getUtility(IDomainManager)
    domains.add('other.example.gov')
    domains.get('lists.example.gov').add_owner(PAT)
    IBanManager(mlist).ban('bad@example.org')
    IHeaderMatchList(mlist).append('X-Spam', 'yes', 'discard')
    IAcceptableAliasSet(mlist).add('alias@lists.example.gov')
    texts = getUtility(ITemplateManager)
    texts.set(FOOTER, 'lists.example.gov', 'http://localhost/y')
    held = hold_message(mlist, message('Subject: held\n\nx'), {}, 'why')
    asks = users.create_address('asks@agency.example.gov', 'A')
    token, owner, _member = ISubscriptionManager(mlist).register(
        asks, pre_verified=True, pre_confirmed=True
    )
    assert owner is TokenOwner.moderator
    config.db.commit()
    config.push('archiver', '[archiver.prototype]\nenable: yes\n')
    yield {
        'list': mlist.list_id,
        'kim': KIM,
        'kim_id': kim.user_id.hex,
        'pat': PAT,
        'sam': SAM,
        'lone': 'lone@agency.example.gov',
        'member': member.member_id.hex,
        'held': str(held),
        'request': token,
    }
    config.pop('archiver')


@pytest.mark.parametrize(
    'handler', [each for each in ASKED if ASKED[each] not in (NOTHING, FILES)]
)
def test_a_change_is_on_record(named: dict[str, str], handler: str) -> None:
    path, fields = ASKED[handler]
    path = path.format(**named)
    filled = {
        key: value.format(**named) if isinstance(value, str) else value
        for key, value in (fields or {}).items()
    }
    method = handler.rpartition('_')[2].upper()
    count = select(func.count()).select_from(QNetAudit)
    last = store().scalar(select(func.max(QNetAudit.id))) or 0
    config.db.commit()
    proof = sign(KEY, method, f'http://localhost/3.1/{path}', WHO, time.time())
    answer = ask(method, path, filled, headers={FIELD: proof})
    assert answer.status_code < 300, (answer.status_code, answer.text)
    config.db.abort()
    rows = store().scalars(select(QNetAudit).where(QNetAudit.id > last)).all()
    assert rows and store().scalar(count), handler
    assert {row.actor for row in rows} == {WHO}, rows
