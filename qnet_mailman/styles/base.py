# SPDX-License-Identifier: GPL-3.0-or-later
"""What our four styles set, as small steps (R1).

Each starts from Mailman's own building blocks, so that an attribute which a later
Mailman adds has a value, and then sets whatever a rule speaks of.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import timedelta

import click
from mailman.config import config
from mailman.interfaces.action import Action
from mailman.interfaces.archiver import ArchivePolicy
from mailman.interfaces.bounce import UnrecognizedBounceDisposition
from mailman.interfaces.mailinglist import (
    DMARCMitigateAction,
    InvalidListNameError,
    Personalization,
    ReplyToMunging,
    SubscriptionPolicy,
)
from mailman.model.mailinglist import ListArchiver
from mailman.model.roster import RosterVisibility
from mailman.styles import base as stock
from sqlalchemy import insert, select

from qnet_mailman import site
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import leftovers
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import define, set_replies
from qnet_mailman.styles import pipelines, reserved
from qnet_mailman.values import ListType, Replies, Visibility

BOUNCE_THRESHOLD = 5
"""Points, R18."""
BOUNCE_WINDOW = timedelta(days=7)
BOUNCE_WARNINGS = 3
BOUNCE_WARNING_INTERVAL = timedelta(days=7)


class NameTaken(InvalidListNameError):
    """No list can have this name.

    REST answers with 400 and this text; `mailman create` prints it before its own.
    """

    def __init__(self, name: str, why: str) -> None:
        super().__init__(name)
        # REST prints this.
        self.listname = f'{name}, {why}'
        context = click.get_current_context(silent=True)
        if context is not None and context.info_name == 'create':
            # The command says of any such error no more than the name.
            click.echo(self.listname, err=True)


def _take_back(mlist: Mlist) -> None:
    """Undo what Mailman has done before it asks the style."""
    if mlist in store().new:
        store().expunge(mlist)
    else:
        store().delete(mlist)
    with suppress(OSError):
        os.rmdir(mlist.data_path)


def apply(mlist: Mlist, list_type: ListType, visibility: Visibility) -> None:
    """Make a list one of a type and a visibility, with every default.

    :raises qnet_mailman.site.NotReady: if the settings cannot be read; no list is
        then made.
    :raises NameTaken: if something else is reached at an address of the list.
    """
    settings = site.settings()
    # Its hundred columns are written once, and not before each question in between.
    with store().no_autoflush:
        why = reserved.clash(mlist.fqdn_listname)
        if why:
            _take_back(mlist)
            raise NameTaken(mlist.list_name, why)
        for part in (
            stock.Identity,
            stock.BasicOperation,
            stock.Bounces,
            stock.Public,
            stock.Discussion,
            stock.Moderation,
        ):
            part.apply(stock, mlist)
        define(mlist, list_type, visibility)
        _common(mlist, settings.max_message_size)
        (_notification if list_type is ListType.notification else _discussion)(mlist)
        (_public if visibility is Visibility.public else _private)(mlist)
    # Core keeps some of an earlier list's, and a list that was made with the plugin
    # away has left it, too.
    leftovers.forget(mlist.list_id, mlist.fqdn_listname)
    # Mailman makes the rows of a list's archivers when they are first looked at;
    # two runners doing that at once left the list with each of them twice, and
    # every later post was shunted.
    _add_archivers(mlist)


def _add_archivers(mlist: Mlist) -> None:
    # As `IListArchiverSet` does, which asks for each and writes one by one.
    table = ListArchiver.__table__
    is_new = mlist in store().new
    store().flush()
    there = select(table.c.name).where(table.c.mailing_list_id == mlist.id)
    known = set() if is_new else set(store().scalars(there))
    missing = [
        {'mailing_list_id': mlist.id, 'name': each.name, '_is_enabled': each.is_enabled}
        for each in config.archivers
        if each.name not in known
    ]
    if missing:
        store().execute(insert(table), missing)


def _common(mlist: Mlist, max_message_size: int) -> None:
    mlist.posting_chain = 'qnet-posting-chain'
    mlist.posting_pipeline = pipelines.OURS
    # R2: private means approval, not hidden.
    mlist.advertised = True
    mlist.subject_prefix = ''
    mlist.member_roster_visibility = RosterVisibility.moderators
    # R4, R3: a stranger's message waits for a moderator, who is told.
    mlist.default_nonmember_action = Action.hold
    mlist.admin_immed_notify = True
    mlist.respond_to_post_requests = True
    # R7: masking is on by `define()`; anonymous_list would mean everyone.  Where a
    # post is not masked, From is rewritten if its domain asks for it (DMARC).
    mlist.anonymous_list = False
    mlist.dmarc_mitigate_action = DMARCMitigateAction.munge_from
    mlist.dmarc_mitigate_unconditionally = False
    # R8: no Reply-To of the list's own, until somebody sets one.
    mlist.reply_goes_to_list = ReplyToMunging.no_munging
    mlist.reply_to_address = ''
    mlist.first_strip_reply_to = False
    mlist.include_rfc2369_headers = True
    mlist.personalize = Personalization.none
    # Whoever turns content filters on loses no HTML and no invitation to them.
    mlist.collapse_alternatives = False
    # Mailman counts in KB of 1024 bytes; zero would mean no limit.
    mlist.max_message_size = max(1, max_message_size // 1024)
    mlist.require_explicit_destination = True
    mlist.max_num_recipients = 10
    # R11, R14.
    mlist.unsubscription_policy = SubscriptionPolicy.confirm
    mlist.send_welcome_message = True
    mlist.send_goodbye_message = True
    mlist.admin_notify_mchanges = False
    # R18-R20.
    mlist.process_bounces = True
    mlist.bounce_score_threshold = BOUNCE_THRESHOLD
    mlist.bounce_info_stale_after = BOUNCE_WINDOW
    mlist.bounce_you_are_disabled_warnings = BOUNCE_WARNINGS
    mlist.bounce_you_are_disabled_warnings_interval = BOUNCE_WARNING_INTERVAL
    mlist.bounce_notify_owner_on_bounce_increment = True
    mlist.bounce_notify_owner_on_disable = True
    mlist.bounce_notify_owner_on_removal = True
    mlist.forward_unrecognized_bounces_to = UnrecognizedBounceDisposition.administrators


def _notification(mlist: Mlist) -> None:
    # R3; List-Post then says NO (RFC 2369 section 3.4).
    mlist.allow_list_posts = False
    mlist.default_member_action = Action.reject


def _discussion(mlist: Mlist) -> None:
    mlist.allow_list_posts = True
    mlist.subject_prefix = f'[{mlist.list_name}] '
    set_replies(mlist, Replies.accept)


def _public(mlist: Mlist) -> None:
    mlist.subscription_policy = SubscriptionPolicy.confirm
    mlist.archive_policy = ArchivePolicy.public


def _private(mlist: Mlist) -> None:
    mlist.subscription_policy = SubscriptionPolicy.confirm_then_moderate
    mlist.archive_policy = ArchivePolicy.private
