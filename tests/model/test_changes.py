# SPDX-License-Identifier: GPL-3.0-or-later
"""What is changed in Mailman's tables is on record, by whatever changed it (R31)."""

from __future__ import annotations

from typing import Any

import pytest
from mailman.app.lifecycle import create_list, remove_list
from mailman.config import config
from mailman.interfaces.action import Action as Moderation
from mailman.interfaces.bans import IBanManager
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.mailinglist import IAcceptableAliasSet, IHeaderMatchList
from mailman.interfaces.member import DeliveryMode, MemberRole
from mailman.interfaces.template import ITemplateManager
from mailman.interfaces.usermanager import IUserManager
from sqlalchemy import select
from zope.component import getUtility

from qnet_mailman.model.audit import (
    Action,
    QNetAudit,
    as_dict,
    record,
    recorded_as,
)
from qnet_mailman.model.base import store
from qnet_mailman.model.changes import MANY, Doing, doing
from tests.helpers import make_user, subscribe

KIM = 'kim@agency.example.gov'


@pytest.fixture
def since(mlist: Any) -> Any:
    """What is on record since this was asked for last: action, subject and detail."""
    seen = [0]

    def told() -> list[tuple[str, str, dict[str, Any]]]:
        config.db.commit()
        query = select(QNetAudit).where(QNetAudit.id > seen[0]).order_by(QNetAudit.id)
        rows = store().scalars(query).all()
        seen[0] = max([seen[0], *(row.id for row in rows)])
        found = [as_dict(row) for row in rows]
        return [(each['action'], each['subject'], each['detail']) for each in found]

    told()
    return told


def test_settings_with_what_they_were(mlist: Any, since: Any) -> None:
    mlist.description = 'New'
    mlist.default_nonmember_action = Moderation.accept
    mlist.accept_these_nonmembers = ['^.*@agency.example.gov']
    mlist.last_post_at = mlist.created_at
    mlist.moderator_password = b'secret'
    found = {subject: detail for _, subject, detail in since()}
    assert found['description'] == {'old': '', 'new': 'New'}
    assert found['default_nonmember_action']['new'] == 'accept'
    assert found['accept_these_nonmembers']['new'] == ['^.*@agency.example.gov']
    assert found['moderator_password'] == {'old': '(secret)', 'new': '(secret)'}
    assert 'last_post_at' not in found
    mlist.description = 'New'
    assert since() == []


def test_members_and_what_they_choose(mlist: Any, since: Any) -> None:
    member = subscribe(mlist, KIM)
    assert since() == [('member added', KIM, {})]
    member.moderation_action = Moderation.hold
    member.preferences.delivery_mode = DeliveryMode.plaintext_digests
    chosen = {detail['setting']: detail['new'] for _, _, detail in since()}
    assert chosen == {'moderation_action': 'hold', 'delivery_mode': 'plaintext_digests'}
    member.unsubscribe()
    assert ('member removed', KIM, {}) in since()
    subscribe(mlist, 'boss@agency.example.gov', MemberRole.owner)
    # In the words of who appointed them.
    assert [row[0] for row in since()] == ['role approved', 'assigned']


def test_many_at_once_are_one_row(mlist: Any, since: Any) -> None:
    for number in range(MANY + 1):
        subscribe(mlist, f'reader{number}@hospital.example.org')
    [(_, subject, detail)] = [row for row in since() if row[0] == 'member added']
    assert subject == '' and detail['count'] == MANY + 1
    assert len(detail['sha256']) == 64


def test_bans_filters_texts_and_domains(mlist: Any, since: Any) -> None:
    IBanManager(mlist).ban('bad@example.org')
    IBanManager(None).ban('worse@example.org')
    IHeaderMatchList(mlist).append('X-Spam', 'yes', 'discard')
    IAcceptableAliasSet(mlist).add('other@lists.example.gov')
    texts = getUtility(ITemplateManager)
    texts.set('list:user:notice:welcome', mlist.list_id, 'mailman:///x.txt', 'u', 'pw')
    getUtility(IDomainManager).add('more.example.gov')
    found = since()
    told = {(action, subject) for action, subject, _ in found}
    assert told == {
        ('ban added', 'bad@example.org'),
        ('ban added', 'worse@example.org'),
        ('setting changed', 'header_matches'),
        ('setting changed', 'acceptable_aliases'),
        ('text set', 'list:user:notice:welcome'),
        ('domain added', 'more.example.gov'),
    }
    assert 'pw' not in str(found)
    IBanManager(mlist).unban('bad@example.org')
    IHeaderMatchList(mlist).remove('X-Spam', 'yes')
    texts.delete('list:user:notice:welcome', mlist.list_id)
    getUtility(IDomainManager).remove('more.example.gov')
    told = {(action, subject) for action, subject, _ in since()}
    assert told == {
        ('ban removed', 'bad@example.org'),
        ('setting changed', 'header_matches'),
        ('text removed', 'list:user:notice:welcome'),
        ('domain removed', 'more.example.gov'),
    }


def test_lists_are_one_row_each(mlist: Any, since: Any) -> None:
    create_list('more@lists.example.gov', style_name='legacy-default')
    assert [row[:2] for row in since()] == [('list created', 'more@lists.example.gov')]
    more = getUtility(IListManager).get('more@lists.example.gov')
    remove_list(more)
    assert [row[:2] for row in since()] == [('list deleted', 'more@lists.example.gov')]


def test_people(mlist: Any, since: Any) -> None:
    user = make_user(KIM, 'Kim')
    since()
    user.is_server_owner = True
    user.display_name = 'Kim E'
    found = {detail['setting']: detail['new'] for _, _, detail in since()}
    assert found == {'is_server_owner': True, 'display_name': 'Kim E'}
    getUtility(IUserManager).delete_user(user)
    assert 'person removed' in [row[0] for row in since()]


def test_what_somebody_told_in_their_own_words_is_not_told_again(
    mlist: Any, since: Any
) -> None:
    record(Action.setting_changed, mlist.list_id, 'mask', old='x', new='off')
    mlist.anonymous_list = not mlist.anonymous_list
    assert [row[1] for row in since()] == ['mask']


def test_what_was_taken_back_is_not_told(mlist: Any, since: Any) -> None:
    mlist.description = 'Never'
    store().flush()
    config.db.abort()
    assert since() == []
    mlist.display_name = 'Kept'
    with pytest.raises(ZeroDivisionError), store().begin_nested():
        mlist.description = 'Never'
        store().flush()
        1 / 0  # noqa: B018
    assert [row[1] for row in since()] == ['display_name']


def test_what_was_asked_for_where_nothing_else_has_words(
    mlist: Any, since: Any
) -> None:
    asked = Doing(Action.changed_over_rest, mlist.list_id, 'POST x', {'a': 'b'})
    with doing(lambda: asked):
        assert since() == []
        mlist.description = 'Told already'
        assert [row[1] for row in since()] == ['description']
        make_user('new@agency.example.gov', 'New')
        assert since() == [('changed over REST', 'POST x', {'a': 'b'})]


def test_who_did_it_is_known_when_others_commit_it(mlist: Any, since: Any) -> None:
    with recorded_as(f'mail: {KIM}'):
        mlist.description = 'By mail'
    mlist.display_name = 'Later'
    config.db.commit()
    rows = store().scalars(select(QNetAudit).order_by(QNetAudit.id)).all()
    assert {row.subject: row.actor for row in rows[-2:]} == {
        'description': f'mail: {KIM}',
        'display_name': 'mailman',
    }
