# SPDX-License-Identifier: GPL-3.0-or-later
"""What each style sets, read back from the database (R1, R2, R7, R11, R18)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from mailman.app.lifecycle import remove_list
from mailman.interfaces.action import Action
from mailman.interfaces.archiver import ArchivePolicy
from mailman.interfaces.bounce import UnrecognizedBounceDisposition
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.mailinglist import (
    DMARCMitigateAction,
    ReplyToMunging,
    SubscriptionPolicy,
)
from mailman.interfaces.styles import IStyleManager
from mailman.interfaces.template import ITemplateLoader, ITemplateManager
from mailman.model.mailinglist import ListArchiver
from mailman.model.roster import RosterVisibility
from zope.component import getUtility

from qnet_mailman.model.base import store
from qnet_mailman.model.lists import mask_of, replies_of, row_of, type_of
from qnet_mailman.model.people import QNetAssignment, QNetPoster
from tests.helpers import appoint

COMMON = {
    'posting_chain': 'qnet-posting-chain',
    'posting_pipeline': 'qnet-posting-pipeline',
    'advertised': True,
    'anonymous_list': False,
    'default_nonmember_action': Action.hold,
    'unsubscription_policy': SubscriptionPolicy.confirm,
    'member_roster_visibility': RosterVisibility.moderators,
    'process_bounces': True,
    'bounce_score_threshold': 5,
    'bounce_info_stale_after': timedelta(days=7),
    'bounce_you_are_disabled_warnings': 3,
    'bounce_you_are_disabled_warnings_interval': timedelta(days=7),
    'bounce_notify_owner_on_bounce_increment': True,
    'bounce_notify_owner_on_disable': True,
    'bounce_notify_owner_on_removal': True,
    'forward_unrecognized_bounces_to': UnrecognizedBounceDisposition.administrators,
    'max_message_size': 10 * 1024,
    'reply_goes_to_list': ReplyToMunging.no_munging,
    'reply_to_address': '',
    'first_strip_reply_to': False,
    'include_rfc2369_headers': True,
    'dmarc_mitigate_action': DMARCMitigateAction.munge_from,
    'dmarc_mitigate_unconditionally': False,
    'send_welcome_message': True,
    'send_goodbye_message': True,
    'respond_to_post_requests': True,
    'admin_immed_notify': True,
}
OF_TYPE = {
    'notification': {
        'allow_list_posts': False,
        'default_member_action': Action.reject,
        'subject_prefix': '',
    },
    'discussion': {
        'allow_list_posts': True,
        'default_member_action': Action.defer,
        'subject_prefix': '[news1] ',
    },
}
OF_VISIBILITY = {
    'public': {
        'subscription_policy': SubscriptionPolicy.confirm,
        'archive_policy': ArchivePolicy.public,
    },
    'private': {
        'subscription_policy': SubscriptionPolicy.confirm_then_moderate,
        'archive_policy': ArchivePolicy.private,
    },
}


@pytest.mark.parametrize('visibility', OF_VISIBILITY)
@pytest.mark.parametrize('list_type', OF_TYPE)
def test_every_attribute_of_the_rules(
    core: Any, make_list: Any, list_type: str, visibility: str
) -> None:
    list_id = make_list(list_type, visibility).list_id
    core.config.db.store.expunge_all()
    mlist = getUtility(IListManager).get_by_list_id(list_id)
    wanted = {**COMMON, **OF_TYPE[list_type], **OF_VISIBILITY[visibility]}
    assert {name: getattr(mlist, name) for name in wanted} == wanted
    assert row_of(mlist).visibility == visibility
    assert type_of(mlist) == list_type
    assert mask_of(mlist) == 'administrators'
    assert replies_of(mlist) == ('reject' if list_type == 'notification' else 'accept')


def test_the_four_styles_are_offered(core: Any) -> None:
    names = {style.name for style in getUtility(IStyleManager).styles}
    assert {
        f'qnet-{list_type}-{visibility}'
        for list_type in OF_TYPE
        for visibility in OF_VISIBILITY
    } <= names


def test_the_size_limit_is_the_sites(configure: Any, make_list: Any) -> None:
    configure(max_message_size='2 MB')
    assert make_list().max_message_size == 2048


def test_what_belongs_to_a_list_goes_with_it(core: Any, make_list: Any) -> None:
    mlist = make_list()
    list_id = mlist.list_id
    appoint(mlist, 'pat@agency.example.gov', may_post=True)
    remove_list(mlist)
    core.config.db.commit()
    for table in (QNetAssignment, QNetPoster):
        assert store().query(table).filter_by(list_id=list_id).count() == 0


@pytest.mark.parametrize(
    ('name', 'needle'),
    [
        ('list:user:notice:welcome', 'please allow the address'),
        ('list:user:notice:goodbye', 'no longer subscribed'),
        ('list:member:regular:footer', 'with the subject Unsubscribe'),
        ('list:member:digest:footer', 'with the subject Unsubscribe'),
    ],
)
def test_texts_are_ours_until_somebody_sets_their_own(
    core: Any, make_list: Any, name: str, needle: str
) -> None:
    mlist = make_list()
    assert needle in getUtility(ITemplateLoader).get(name, mlist)
    path = core.var / 'own.txt'
    path.write_text('Our own words. ${support_contact}\n', encoding='utf-8')
    getUtility(ITemplateManager).set(name, mlist.list_id, f'file://{path}')
    text = getUtility(ITemplateLoader).get(name, mlist)
    assert text.startswith('Our own words.')
    assert 'help@example.gov' in text


def test_the_archivers_of_a_list_are_there_from_the_start(
    core: Any, make_list: Any
) -> None:
    make_list()
    names = sorted(row.name for row in store().query(ListArchiver))
    assert names == sorted(archiver.name for archiver in core.config.archivers)
