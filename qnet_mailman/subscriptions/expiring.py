# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to join that nobody has answered in time (R11, R12).

Mailman clears away what has expired without a word.  Before it does, whoever waits for
a decision of administrators is told that there will be none.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from mailman.interfaces.listmanager import IListManager
from mailman.model.pending import Pended, PendedKeyValue
from sqlalchemy import or_, select
from sqlalchemy.orm import aliased
from zope.component import getUtility

from qnet_mailman import site
from qnet_mailman.clock import in_words
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import counters, finding, limits, listing
from qnet_mailman.model.base import by_itself, store
from qnet_mailman.model.closures import closed_among
from qnet_mailman.model.listing import Listed
from qnet_mailman.model.pendings import Waiting, on_our_lists, read, remove
from qnet_mailman.model.statements import BATCH, begin_writing
from qnet_mailman.posting import backscatter
from qnet_mailman.subscriptions import deciding, joining, reminding, sign_up
from qnet_mailman.templates.sending import Prepared, send

_NAMES = ('user_email', 'when', 'lists', 'again', 'owners')
"""What is another in each notice."""

log = logging.getLogger('mailman.subscribe')


def end_expired(moment: datetime) -> None:
    """Remove requests to join that have expired, and tell who waited.  Commits.

    :param moment: In UTC, without a time zone.
    """
    ended = BATCH
    while ended == BATCH:
        ended = 0
        with by_itself(log, 'Expired requests to join could not be ended'):
            # Of two hosts that look at once, each tells of its own.
            begin_writing()
            found = _expired(moment)
            remove(found)
            _count(found)
            _tell(found)
            ended = len(found)


def _expired(moment: datetime) -> list[Waiting]:
    kind, of = aliased(PendedKeyValue), aliased(PendedKeyValue)
    query = (
        select(Pended.id)
        .join(kind, kind.pended_id == Pended.id)
        .join(of, of.pended_id == Pended.id)
        .where(
            Pended.expiration_date < moment,
            kind.key == 'type',
            of.key == 'list_id',
            or_(
                kind.value == sign_up.PEND_TYPE,
                (kind.value == joining.PEND_TYPE) & of.value.in_(on_our_lists()),
            ),
        )
        .limit(BATCH)
        .with_for_update(skip_locked=True, of=Pended)
    )
    return read(list(store().scalars(query)))


def _count(ended: list[Waiting]) -> None:
    """Count those whom nobody has confirmed, and who joined in no other way."""
    asked = [
        one
        for one in ended
        if reminding.asks_subscriber(one.values)
        and one.values.get('why') != joining.Why.invitation
    ]
    members = finding.memberships_of(
        {reminding.address_of(one).lower() for one in asked}
    )
    never = [
        one
        for one in asked
        if not {
            (reminding.address_of(one).lower(), list_id)
            for list_id in reminding.lists_of(one)
        }
        <= members
    ]
    if never:
        limits.count(sign_up.EXPIRED, len(never))
        counters.add('sign-ups', 'expired', times=len(never))


def _tell(ended: list[Waiting]) -> None:
    """Tell whoever waited for administrators, in one mail for each mailbox."""
    by_mailbox: defaultdict[str, list[Waiting]] = defaultdict(list)
    for one in ended:
        if deciding.is_for_moderators(one.values):
            by_mailbox[backscatter.mailbox_of(one.values['email'])].append(one)
    list_ids = {
        one.values['list_id'] for waiting in by_mailbox.values() for one in waiting
    }
    listed = {one.list_id: one for one in listing.by_ids(list_ids)}
    for list_id in closed_among(list_ids):
        listed.pop(list_id, None)
    allowed = backscatter.mails_allowed(
        waiting[0].values['email'] for waiting in by_mailbox.values()
    )
    texts: dict[str, tuple[Any, Prepared]] = {}
    for waiting in by_mailbox.values():
        lists = [
            listed[one.values['list_id']]
            for one in waiting
            if one.values['list_id'] in listed
        ]
        if lists and waiting[0].values['email'] in allowed:
            first = lists[0].list_id
            if first not in texts:
                mlist = getUtility(IListManager).get_by_list_id(first)
                name = 'qnet:user:notice:request-expired'
                texts[first] = mlist, Prepared.of(mlist, name, _NAMES)
            _write(*texts[first], waiting[0], lists)


def _write(mlist: Mlist, text: Prepared, waiting: Waiting, lists: list[Listed]) -> None:
    email = waiting.values['email']
    web_url = site.settings().web_url
    query = urlencode([('lists', one.list_id) for one in lists])
    page = f'{web_url}/signup/?{query}'
    again = f'You can ask again:\n\n  Sign up again:\n  {page}\n\n'
    owners = [f'  {one.fqdn_listname.replace("@", "-owner@")}' for one in lists]
    values = (
        email,
        in_words(datetime.fromisoformat(waiting.values['when'])),
        sign_up.rows_of(lists),
        '' if web_url is None else again,
        '\n'.join(owners),
    )
    which = f' {lists[0].display_name}' if len(lists) == 1 else ''
    send(
        mlist,
        email,
        text,
        f'Nobody has decided about your request to join{which}',
        dict(zip(_NAMES, values, strict=True)),
    )
