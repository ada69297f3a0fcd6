# SPDX-License-Identifier: GPL-3.0-or-later
"""What is changed over core's own resources is on record, with who did it (R31)."""

from __future__ import annotations

import time
from typing import Any

import click
import pytest
from click.testing import CliRunner
from mailman.app.moderator import hold_message
from mailman.config import config
from mailman.interfaces.action import Action as Moderation
from mailman.interfaces.listmanager import IListManager
from mailman.model.mailinglist import MailingList
from sqlalchemy import select, update
from zope.component import getUtility

from qnet_mailman.core_actor import FIELD, sign
from qnet_mailman.health import audit_log
from qnet_mailman.model.audit import QNetAudit, as_dict
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import mask_of, replies_of
from qnet_mailman.rest import acting
from qnet_mailman.values import Mask
from tests.helpers import message, subscribe
from tests.rest.client import ask

KEY = 'a key that only the two have'
WHO = 'harp:pexample'
KIM = 'kim@agency.example.gov'


@pytest.fixture
def change(mlist: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Ask core to change something; what is on record then."""
    monkeypatch.setattr(acting, '_key', lambda: KEY)
    list_id = mlist.list_id

    def tell(method: str, path: str, fields: Any = None) -> list[dict[str, Any]]:
        last = store().scalar(select(QNetAudit.id).order_by(QNetAudit.id.desc())) or 0
        config.db.commit()
        path = path.format(list=list_id)
        proof = sign(KEY, method, f'http://localhost/3.1/{path}', WHO, time.time())
        answer = ask(method, path, fields or {}, headers={FIELD: proof})
        assert answer.status_code < 300, answer.text
        rows = store().scalars(select(QNetAudit).where(QNetAudit.id > last)).all()
        assert {row.actor for row in rows} == {WHO}
        return [as_dict(row) for row in rows]

    return tell


@pytest.mark.parametrize(
    ('method', 'path', 'fields', 'action', 'subject'),
    [
        (
            *('PATCH', 'lists/{list}/config', {'description': 'New'}),
            *('setting changed', 'description'),
        ),
        (
            *('PATCH', 'lists/{list}/config', {'bounce_score_threshold': 9}),
            *('setting changed', 'bounce_score_threshold'),
        ),
        ('POST', 'lists/{list}/bans', {'email': KIM}, 'ban added', KIM),
        ('POST', 'bans', {'email': KIM}, 'ban added', KIM),
        (
            *('POST', 'lists/{list}/header-matches', {'header': 'x', 'pattern': 'y'}),
            *('setting changed', 'header_matches'),
        ),
        (
            *('PATCH', 'lists/{list}/uris', {'list:member:regular:footer': 'http://x'}),
            *('text set', 'list:member:regular:footer'),
        ),
        ('POST', 'domains', {'mail_host': 'x.example'}, 'domain added', 'x.example'),
        (
            'POST',
            'lists',
            {'fqdn_listname': 'b@lists.example.gov'},
            'list created',
            None,
        ),
        ('DELETE', 'lists/{list}', None, 'list deleted', None),
        (
            'POST',
            'members',
            {
                'list_id': '{list}',
                'subscriber': KIM,
                **dict.fromkeys(
                    ('pre_verified', 'pre_confirmed', 'pre_approved'), True
                ),
            },
            *('member added', KIM),
        ),
        ('POST', 'users', {'email': KIM}, 'changed over REST', 'POST /users'),
    ],
)
def test_core_s_own_resources(
    change: Any,
    mlist: Any,
    method: str,
    path: str,
    fields: Any,
    action: str,
    subject: str | None,
) -> None:
    filled = fields and {
        key: value.format(list=mlist.list_id) if isinstance(value, str) else value
        for key, value in fields.items()
    }
    rows = change(method, path, filled)
    assert [row['action'] for row in rows] == [action], rows
    assert subject is None or rows[0]['subject'] == subject


@pytest.mark.parametrize(
    ('action', 'on_record'),
    [
        ('accept', 'post accepted'),
        ('reject', 'post rejected'),
        ('discard', 'post discarded'),
    ],
)
def test_held_messages(change: Any, mlist: Any, action: str, on_record: str) -> None:
    number = hold_message(mlist, message('Subject: held\n\nx'), {}, 'why')
    config.db.commit()
    fields = {'action': action, 'comment': 'so'}
    [row] = change('POST', f'lists/{{list}}/held/{number}', fields)
    assert (row['action'], row['subject']) == (on_record, f'held message {number}')
    assert row['detail'] == {'comment': 'so'}


def test_members_by_their_own_resource(change: Any, mlist: Any) -> None:
    member = subscribe(mlist, KIM)
    config.db.commit()
    number = member.member_id.hex
    [row] = change('PATCH', f'members/{number}', {'moderation_action': 'hold'})
    assert (row['action'], row['subject']) == ('member changed', KIM)
    [row] = change('PATCH', f'members/{number}/preferences', {'hide_address': True})
    assert row['detail'] == {'setting': 'hide_address', 'old': None, 'new': True}
    [row] = change('DELETE', f'members/{number}')
    assert (row['action'], row['subject']) == ('member removed', KIM)


def test_what_masks_posts_is_not_taken_away_from_a_list_of_ours(mlist: Any) -> None:
    list_id = mlist.list_id
    for path, fields in (
        (f'lists/{list_id}/config', {'posting_pipeline': 'default-posting-pipeline'}),
        (f'lists/{list_id}/config/posting_pipeline', {'posting_pipeline': 'virgin'}),
    ):
        answer = ask('PATCH', path, fields)
        assert answer.status_code == 400, answer.text
        assert 'which masks its posts' in answer.json['description']
        config.db.abort()
    # What says so anew changes nothing.
    same = {'posting_pipeline': 'qnet-posting-pipeline'}
    assert ask('PATCH', f'lists/{list_id}/config', same).status_code == 204
    assert list(audit_log.parted()) == []
    change = update(MailingList).where(MailingList._list_id == list_id)
    store().execute(change.values(posting_pipeline='virgin'))
    config.db.commit()
    [found] = audit_log.parted()
    assert found.level == 'error' and list_id.replace('.', '@', 1) in found.text


def test_replies_are_what_mailman_s_column_says(change: Any, mlist: Any) -> None:
    """On a notification list (R3)."""
    list_id, path = mlist.list_id, f'lists/{mlist.list_id}/config'
    for action in ('accept', 'defer', 'hold', 'discard'):
        answer = ask('PATCH', path, {'default_member_action': action})
        assert answer.status_code == 400, answer.text
        assert 'always rejected' in answer.json['description']
        config.db.abort()
    assert ask('PATCH', path, {'default_member_action': 'reject'}).status_code == 204
    assert list(audit_log.parted()) == []
    # Before this was refused.
    column = update(MailingList).where(MailingList._list_id == list_id)
    store().execute(column.values(default_member_action=Moderation.hold))
    config.db.commit()
    [found] = audit_log.parted()
    assert found.level == 'warning' and list_id.replace('.', '@', 1) in found.text
    # What was parted stays as it is where a page sends all that it has.
    assert ask('PATCH', path, {'default_member_action': 'hold'}).status_code == 204


@pytest.mark.mlist('discussion', 'public')
def test_columns_of_ours_are_on_record_as_our_settings(change: Any, mlist: Any) -> None:
    list_id, path = mlist.list_id, f'lists/{mlist.list_id}/config'
    lists = getUtility(IListManager)
    [row] = change('PATCH', path, {'anonymous_list': True})
    assert (row['subject'], row['detail']['new']) == ('mask', 'everyone')
    assert mask_of(lists.get_by_list_id(list_id)) is Mask.everyone
    [row] = change('PATCH', path, {'anonymous_list': False})
    assert row['detail'] == {'old': 'everyone', 'new': 'administrators'}
    for action, ours in (('hold', 'hold'), ('reject', 'reject'), ('accept', 'accept')):
        [row] = change('PATCH', path, {'default_member_action': action})
        assert (row['subject'], row['detail']['new']) == ('replies', ours)
        assert replies_of(lists.get_by_list_id(list_id)).value == ours
    answer = ask('PATCH', path, {'default_member_action': 'discard'})
    assert answer.status_code == 400 and 'never discarded' in answer.text


def test_a_command_that_sets_all_goes_on_with_what_is_so(mlist: Any) -> None:
    """As `mailman import21` does."""

    @click.command()
    def setting() -> None:
        mlist.default_member_action = Moderation.defer

    done = CliRunner().invoke(setting)
    assert done.exit_code == 0 and 'always rejected' in done.output
    assert mlist.default_member_action is Moderation.reject


def test_a_password_is_not_on_record(change: Any) -> None:
    rows = change('POST', 'users', {'email': KIM, 'password': 'very secret'})
    assert 'very secret' not in str(rows)
