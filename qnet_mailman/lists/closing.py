# SPDX-License-Identifier: GPL-3.0-or-later
"""Closing a list, opening it again, and what becomes of it after the last day for that.

A row says that a list is closed (`model/closures.py`), and everybody looks there: the
posting chain and pipeline, whatever makes people members, digests and bounce warnings.
A list that is to be deleted stays as it is, closed, until its time is over and a runner
finds it; one that was down for long finds it later, and nobody loses a day of theirs.
Its administrators and the operators are told just before the commit: a kill between the
two repeats these e-mails and loses none (R33).
"""

from __future__ import annotations

import logging
import os
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import formataddr, formatdate, make_msgid
from typing import Any

from mailman.app.lifecycle import remove_list
from mailman.config import config
from mailman.email.message import UserNotification
from mailman.interfaces.archiver import ArchivePolicy
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.member import MemberRole
from mailman.interfaces.template import ITemplateLoader
from mailman.model.member import Member
from mailman.model.preferences import Preferences
from mailman.utilities.datetime import now
from mailman.utilities.email import add_message_hash
from mailman.utilities.string import expand
from sqlalchemy import delete, select
from zope.component import getUtility

from qnet_mailman import site
from qnet_mailman.clock import in_words, later
from qnet_mailman.lists import notices
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import audit
from qnet_mailman.model.base import by_itself, store
from qnet_mailman.model.closures import QNetClosure, closure_of
from qnet_mailman.model.statements import chunks
from qnet_mailman.templates.sending import AUTO_GENERATED, one_line
from qnet_mailman.values import Closing

ANNOUNCEMENT = 'qnet_announcement'
"""In the metadata of the post that says that the list is closed: its `announced_at`."""

log = logging.getLogger('mailman.plugins')


class CannotReopen(Exception):
    """A list that is not opened again; the text says why."""


def close(mlist: Mlist, action: Closing, ticket: str) -> None:
    """Close a list, or change what becomes of one that is closed; does not commit.

    The time in which it can be opened again begins anew.
    """
    moment = now().replace(microsecond=0)
    settings = site.settings()
    row = closure_of(mlist.list_id)
    if row is None:
        row = QNetClosure(
            list_id=mlist.list_id, closed_at=moment, advertised=mlist.advertised
        )
        store().add(row)
        mlist.advertised = False
    row.action = action.value
    row.ticket = ticket
    row.undo_until = later(
        moment, timedelta(days=settings.closure_undo_days), settings.time_zone
    )
    row.announced_at = None
    audit.record(
        audit.Action.list_closed,
        mlist.list_id,
        mlist.fqdn_listname,
        closing=action.value,
        undo_until=row.undo_until,
        ticket=ticket,
    )


def reopen(mlist: Mlist) -> None:
    """Open a list again as it was; does not commit.

    :raises CannotReopen: if it is not closed, or its time is over.
    """
    row = _locked(mlist.list_id)
    if row is None:
        raise CannotReopen(f'{mlist.fqdn_listname} is not closed')
    if row.undo_until <= now():
        raise CannotReopen(
            f'{mlist.fqdn_listname} is closed for good: it could be reopened until '
            f'{in_words(row.undo_until)}'
        )
    mlist.advertised = row.advertised
    store().delete(row)
    audit.record(
        audit.Action.list_reopened,
        mlist.list_id,
        mlist.fqdn_listname,
        ticket=row.ticket,
    )


def _locked(list_id: str) -> QNetClosure | None:
    return store().get(
        QNetClosure, list_id, populate_existing=True, with_for_update=True
    )


def announce(mlist: Mlist, row: QNetClosure) -> None:
    """Tell all members, in one post from the service itself; does not commit.

    It goes the way of posts from where they are accepted, with footers and an envelope
    sender for each member, unless the list is opened again before (`is_current`).
    """
    text = getUtility(ITemplateLoader).get('qnet:member:notice:closed-list', mlist)
    name = one_line(mlist.display_name)
    msg = UserNotification(
        mlist.posting_address,
        formataddr((name, mlist.owner_address)),
        f'The mailing list {name} is closed',
        expand(text, mlist, {'archive': _about_archive(mlist, Closing(row.action))}),
        mlist.preferred_language,
    )
    msg['Message-ID'] = make_msgid(domain=mlist.mail_host)
    msg['Date'] = formatdate(localtime=True)
    msg['Auto-Submitted'] = AUTO_GENERATED
    add_message_hash(msg)
    row.announced_at = now()
    audit.record(audit.Action.list_announced, mlist.list_id, msg['message-id'])
    store().flush()
    config.switchboards['pipeline'].enqueue(
        msg,
        listid=mlist.list_id,
        original_size=len(msg.as_bytes()),
        received_time=now(strip_tzinfo=False),
        **{ANNOUNCEMENT: row.announced_at},
    )


def is_current(mlist: Mlist, msgdata: dict[str, Any]) -> bool:
    """Whether an announcement says how its list is closed now.

    Not where it was opened again, or is to have another end, which is announced too.
    """
    row = closure_of(mlist.list_id)
    return row is not None and row.announced_at == msgdata[ANNOUNCEMENT]


def _about_archive(mlist: Mlist, action: Closing) -> str:
    if action is Closing.delete:
        return 'Your subscription and the list itself will be deleted.'
    if mlist.archive_policy is ArchivePolicy.never:
        return ''
    return 'What has been sent to the list can be read in its archive as before.'


def keep_digest(mlist: Mlist, msgdata: dict[str, Any]) -> None:
    """Put back what was to become a digest of a closed list: it may be opened again.

    :param msgdata: Of the entry in the `digest` queue.
    """
    mlist.volume = msgdata['volume']
    mlist.next_digest_number = msgdata['digest_number']
    if not os.path.exists(msgdata['digest_path']):
        # A kill came between this and the commit.
        return
    path = os.path.join(mlist.data_path, 'digest.mmdf')
    if os.path.exists(path):
        # A post that was in the pipeline came behind it; a folder of mails is only
        # its mails one after the other.
        with open(msgdata['digest_path'], 'ab') as first, open(path, 'rb') as rest:
            shutil.copyfileobj(rest, first)
    os.replace(msgdata['digest_path'], path)


def delete_due(moment: datetime) -> None:
    """Delete lists whose time is over; cheap where there are none.  Commits.

    :param moment: In UTC, without a zone.
    :raises sqlalchemy.exc.DBAPIError: if the database fails.
    """
    config.db.commit()
    query = select(QNetClosure.list_id).where(
        QNetClosure.action == Closing.delete.value, QNetClosure.undo_until <= moment
    )
    for list_id in list(store().scalars(query)):
        # The turn of one that fails comes again.
        with by_itself(log, 'The closed list %s could not be deleted', list_id):
            _delete(list_id, moment)


def _delete(list_id: str, moment: datetime) -> None:
    mlist = getUtility(IListManager).get_by_list_id(list_id)
    row = _locked(list_id)
    if (
        mlist is None
        or row is None
        or row.action != Closing.delete
        or row.undo_until > moment
    ):
        return
    # Nobody opens it again from here on: its time is over.
    _delete_members(list_id)
    gone = notices.Gone.of(mlist, row)
    remove_list(mlist)
    # What the database refuses, it refuses before anything is sent.
    store().flush()
    notices.send_deletion(gone)
    log.info('The closed list %s was deleted', list_id)


def _delete_members(list_id: str) -> None:
    # In portions, as Mailman would keep others from the database for minutes.
    members = select(Member.id, Member.preferences_id).where(
        Member.list_id == list_id, Member.role == MemberRole.member
    )
    rows = [row._tuple() for row in store().execute(members)]
    for some in chunks(rows):
        ids, preferences = zip(*some, strict=True)
        for table, which in ((Member, ids), (Preferences, preferences)):
            store().execute(
                delete(table)
                .where(table.id.in_(which))
                .execution_options(synchronize_session=False)
            )
        config.db.commit()


@dataclass(frozen=True)
class Closure:
    """How a list is closed.

    :ivar since: In UTC, as `undo_until`.
    :ivar is_final: Whether it cannot be opened again.
    """

    action: Closing
    ticket: str
    since: datetime
    undo_until: datetime
    is_final: bool


def look_at_closure(mlist: Mlist) -> Closure | None:
    """How a list is closed; None while it is open."""
    row = closure_of(mlist.list_id)
    if row is None:
        return None
    return Closure(
        Closing(row.action),
        row.ticket,
        row.closed_at,
        row.undo_until,
        row.undo_until <= now(),
    )
