# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit log (R31): who changed what, and who really sent a masked post.

The table is append-only: the database itself refuses to change or delete a row (see the
migrations), and what gets around that is seen (`model/seals.py`).
"""

from __future__ import annotations

import getpass
import json
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from mailman.utilities.datetime import now
from sqlalchemy import (
    ColumnElement,
    DateTime,
    Index,
    Select,
    String,
    Text,
    and_,
    func,
    or_,
    select,
)
from sqlalchemy import literal_column as _sql
from sqlalchemy.orm import Mapped, mapped_column

from qnet_mailman.model.base import Base, store
from qnet_mailman.values import list_id_of


class Action(StrEnum):
    """What happened."""

    list_created = 'list created'
    list_deleted = 'list deleted'
    list_adopted = 'list adopted'
    list_released = 'list released'
    list_closed = 'list closed'
    list_reopened = 'list reopened'
    list_announced = 'closing announced'
    setting_changed = 'setting changed'
    assigned = 'assigned'
    unassigned = 'unassigned'
    assignment_changed = 'assignment changed'
    role_requested = 'role requested'
    role_approved = 'role approved'
    role_denied = 'role denied'
    role_revoked = 'role revoked'
    role_expired = 'role expired'
    grant_changed = 'grant changed'
    grants_imported = 'grants imported'
    roster_corrected = 'roster corrected'
    member_added = 'member added'
    member_removed = 'member removed'
    member_changed = 'member changed'
    person_changed = 'person changed'
    person_removed = 'person removed'
    ban_added = 'ban added'
    ban_removed = 'ban removed'
    domain_added = 'domain added'
    domain_removed = 'domain removed'
    domain_changed = 'domain changed'
    text_set = 'text set'
    text_removed = 'text removed'
    changed_over_rest = 'changed over REST'
    changed_by_command = 'changed by a command'
    post_masked = 'post masked'
    post_confirmed = 'post confirmed'
    post_disputed = 'post disputed'
    post_accepted = 'post accepted'
    post_rejected = 'post rejected'
    post_discarded = 'post discarded'
    joining_approved = 'joining approved'
    joining_refused = 'joining refused'
    form_applied = 'form applied'
    request_received = 'request received'
    request_approved = 'request approved'
    request_returned = 'request returned'
    request_linked = 'request linked'
    delivery_enabled = 'delivery enabled'
    refusals_counted = 'refusals counted'
    refusals_withheld = 'refusals withheld'
    key_made = 'key made'
    key_revoked = 'key revoked'
    operator_added = 'operator added'
    operator_removed = 'operator removed'
    sublist_added = 'sublist added'
    sublist_removed = 'sublist removed'
    site_restored = 'site restored'
    redacted = 'redacted'
    hold_set = 'hold set'
    hold_lifted = 'hold lifted'
    senders_shown = 'senders shown'


OF_SENDERS = frozenset(
    {
        Action.post_masked.value,
        Action.post_confirmed.value,
        Action.post_disputed.value,
    }
)
"""What says who sent a post that may be masked (R10): shown to nobody who has not asked
for it, and whoever does is in the log for that."""


class QNetAudit(Base):
    """One thing that happened."""

    __tablename__ = 'qnet_audit'

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime, index=True)
    """In UTC."""
    actor: Mapped[str] = mapped_column(String(320))
    """The person, or the part of the service, that did it."""
    action: Mapped[str] = mapped_column(String(40))
    list_id: Mapped[str | None] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(998), default='')
    """What or whom it was done to: an address, a setting, a Message-ID."""
    detail: Mapped[str] = mapped_column(Text, default='{}')
    """JSON object."""
    salt: Mapped[str | None] = mapped_column(String(32))
    """Random hexadecimal digits (see `model/seals.py`); None in rows from before."""


# What a person is looked for by.  The replacements leave what is behind the last colon:
# of "REST: harp:pexample", "pexample".  A subject may be too long for an index.
_before = func.rtrim(
    QNetAudit.actor, func.replace(QNetAudit.actor, _sql("':'"), _sql("''"))
)
_who = func.lower(func.ltrim(func.replace(QNetAudit.actor, _before, _sql("''"))))
_whom = func.lower(func.substr(QNetAudit.subject, _sql('1'), _sql('320')))

Index('ix_qnet_audit_list_id_id', QNetAudit.list_id, QNetAudit.id)
Index('ix_qnet_audit_action_id', QNetAudit.action, QNetAudit.id)
Index('ix_qnet_audit_who', _who)
Index('ix_qnet_audit_whom', _whom)

current_actor: ContextVar[str] = ContextVar('current_actor', default='mailman')
"""Who is at work: set by the command line and by REST."""


@contextmanager
def recorded_as(actor: str) -> Iterator[None]:
    """While this lasts, the audit log names somebody for what is changed.

    What was changed and is not committed in the end is written to the database.
    """
    token = current_actor.set(actor)
    try:
        yield
        store().flush()
    finally:
        current_actor.reset(token)


def command_line_actor() -> str:
    """The operator at the command line, as the operating system knows them."""
    try:
        return f'operator:{getpass.getuser()}'
    except (KeyError, OSError):
        return 'operator'


def record(
    action: Action,
    list_id: str | None = None,
    subject: str = '',
    *,
    actor: str | None = None,
    **detail: Any,
) -> None:
    """Write a line of the audit log, in the transaction of what it tells."""
    store().add(
        QNetAudit(
            at=now(),
            actor=_storable(actor or current_actor.get())[:320],
            action=action.value,
            list_id=list_id,
            subject=_storable(subject)[:998],
            # ASCII: PostgreSQL refuses NUL and lone surrogates, which strangers
            # can put into whatever is quoted here.
            detail=json.dumps(detail, default=str, sort_keys=True),
            salt=secrets.token_hex(16),
        )
    )


@dataclass(frozen=True)
class About:
    """Which lines of the audit log are asked for; all, by default.

    :ivar list_name: Of this list, by its address or ID; it may have been deleted.
    :ivar names: What was done to one of these, or for a ticket of such a number.
    :ivar person: What somebody did, or what was done to them: an address, or who the
        log says did something, with or without what stands before the last colon.
    :ivar action: One of :class:`Action`, in its words.
    :ivar since: From then on, in UTC.
    :ivar until: Before then, in UTC.
    :ivar senders: With who sent the posts that are masked: see `look_at_senders`.
    """

    list_name: str | None = None
    names: Collection[str] | None = None
    person: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    senders: bool = False

    def look_at_senders(self) -> About:
        """The same with the senders of masked posts, which is a line of the log itself.

        The caller commits before anybody sees one.
        """
        about = replace(self, senders=True)
        asked = {key: value for key, value in asdict(self).items() if value}
        list_id = None if self.list_name is None else _list_id(self.list_name)
        record(Action.senders_shown, list_id, self.person or '', about=asked)
        return about


def _list_id(name: str) -> str:
    return list_id_of(name.strip().lower())


def written(about: About) -> Select[tuple[QNetAudit]]:
    """What asks for lines of the audit log, in no order yet."""
    query = select(QNetAudit)
    if about.list_name is not None:
        # A person has fewer lines than a list, whose index is not to be used then.
        of_list: Any = QNetAudit.list_id
        if about.person is not None:
            of_list = func.coalesce(of_list, '')
        query = query.where(of_list == _list_id(about.list_name))
    if about.names is not None:
        wanted = sorted(about.names)
        query = query.where(
            or_(
                QNetAudit.subject.in_(wanted),
                *(
                    QNetAudit.detail.contains(f'"ticket": "{each}"', autoescape=True)
                    for each in wanted
                ),
            )
        )
    if about.person is not None:
        query = query.where(_by_or_to(about.person.strip().lower(), about.senders))
    if about.action is not None:
        query = query.where(QNetAudit.action == about.action)
    if about.since is not None:
        query = query.where(QNetAudit.at >= about.since)
    if about.until is not None:
        query = query.where(QNetAudit.at < about.until)
    return query


def _by_or_to(person: str, senders: bool) -> ColumnElement[bool]:
    actor = func.lower(QNetAudit.actor)
    # "harp:pexample", and the same by way of "REST: ".
    ends = [actor.endswith(f'{sign}{person}', autoescape=True) for sign in ': ']
    by = and_(_who == person.rpartition(':')[2].lstrip(), or_(actor == person, *ends))
    to = and_(_whom == person[:320], func.lower(QNetAudit.subject) == person)
    if senders:
        return or_(by, to)
    # Who finds a post by its sender knows the sender.
    return and_(or_(by, to), QNetAudit.action.not_in(OF_SENDERS))


def as_dict(row: QNetAudit, *, senders: bool = False) -> dict[str, Any]:
    """A line of the audit log as plain data; its time is in UTC.

    :param senders: Whether it says who sent a post that is masked (`OF_SENDERS`); else
        `hidden` is true where that was left out.
    """
    line = {
        'at': f'{row.at.isoformat(timespec="seconds")}Z',
        'actor': row.actor,
        'action': row.action,
        'list': row.list_id,
        'subject': row.subject,
        'detail': json.loads(row.detail),
    }
    if row.action not in OF_SENDERS or senders:
        return line
    # The Message-ID of a post that has not left has its sender's host in it.
    masked = row.action == Action.post_masked.value
    subject = row.subject if masked else ''
    return {**line, 'actor': '', 'subject': subject, 'detail': {}, 'hidden': True}


def _storable(text: str) -> str:
    clean = text.encode('utf-8', 'surrogateescape').decode('utf-8', 'replace')
    return clean.replace('\0', '')
