# SPDX-License-Identifier: GPL-3.0-or-later
"""What is changed in Mailman's tables, whichever way, is in the audit log (R31).

Seen when Mailman's objects are written, and recorded in the same transaction.  What
somebody records there in words of their own is not told again.  A change that neither
they nor this module have words for is told as what was asked for (`Doing`).
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple

from mailman.database.model import Model
from mailman.interfaces.member import DeliveryStatus, MemberRole
from mailman.model.address import Address
from mailman.model.autorespond import AutoResponseRecord
from mailman.model.bans import Ban
from mailman.model.bounce import BounceEvent
from mailman.model.cache import CacheEntry
from mailman.model.digests import OneLastDigest
from mailman.model.domain import Domain
from mailman.model.mailinglist import (
    AcceptableAlias,
    HeaderMatch,
    ListArchiver,
    MailingList,
)
from mailman.model.member import Member
from mailman.model.message import Message
from mailman.model.mime import ContentFilter
from mailman.model.pending import Pended, PendedKeyValue
from mailman.model.preferences import Preferences
from mailman.model.template import Template
from mailman.model.uid import UID
from mailman.model.user import User
from mailman.model.workflow import WorkflowState
from sqlalchemy import event, inspect, select
from sqlalchemy.orm import Session

# Its rows are written first: they may wait for somebody.
from qnet_mailman.model import counters  # noqa: F401
from qnet_mailman.model.audit import (
    Action,
    QNetAudit,
    command_line_actor,
    current_actor,
    record,
)
from qnet_mailman.model.lists import ACTIONS, row_of
from qnet_mailman.values import ListType, Mask

MANY = 20
"""Rows of one action on one list in a transaction from which they are one row."""
MAX_TEXT = 2000
"""Letters of a value that are kept."""
BOOKKEEPING = (
    *(AutoResponseRecord, BounceEvent, CacheEntry, Message, OneLastDigest, UID),
    *(PendedKeyValue, WorkflowState),
)
"""Tables of Mailman in which nobody changes a thing."""
KEPT_BY_MAILMAN = frozenset(
    {
        *('id', '_list_id', 'created_at', 'next_request_id', 'next_digest_number'),
        *('digest_last_sent_at', 'volume', 'last_post_at', 'post_id'),
        'usenet_watermark',
    }
)
"""Columns of a list in which Mailman keeps books."""
SECRET = frozenset({'moderator_password', 'password', '_password'})
"""Columns whose values are in no log."""

_WHOLE = frozenset(
    {
        Action.list_created,
        Action.list_deleted,
        Action.list_adopted,
        Action.list_released,
        Action.list_closed,
        Action.list_reopened,
    }
)
"""What says all that happens to a list in its transaction."""
_CHANGES, _TOLD, _OTHER = 'qnet_changes', 'qnet_told', 'qnet_other_changes'


class Change(NamedTuple):
    """One thing that somebody changed.

    :ivar actor: Who; None for whoever is at work when it is committed.
    """

    action: Action
    list_id: str | None
    subject: str
    detail: Mapping[str, Any]
    actor: str | None = None


_Describing = Callable[[Any, bool, bool], Iterator[Change]]


@dataclass(frozen=True)
class Doing:
    """What was asked for, in case it changes what nothing else has words for.

    :ivar always: Told, too, where something else has.
    """

    action: Action
    list_id: str | None
    subject: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    always: bool = False


def nothing() -> Doing | None:
    """What finds out that nobody asked for something."""
    return None


_doing: ContextVar[Callable[[], Doing | None]] = ContextVar('doing', default=nothing)


@contextmanager
def doing(what: Callable[[], Doing | None]) -> Iterator[None]:
    """While this lasts, something is being done.

    :param what: What finds that out, once something was changed.
    """
    token = _doing.set(what)
    try:
        yield
    finally:
        _doing.reset(token)


def at_the_command_line() -> None:
    """All that this process changes is done by an operator, with a command."""
    current_actor.set(command_line_actor())
    words = [each for each in sys.argv[1:3] if re.fullmatch('[a-z-]{2,20}', each)]
    asked = Doing(Action.changed_by_command, None, ' '.join(['mailman', *words]))
    _doing.set(lambda: asked)


def install() -> None:
    """Look at what is written, from here on; again it changes nothing."""
    for name, listener in LISTENERS:
        if not event.contains(Session, name, listener):
            event.listen(Session, name, listener)


# What the objects say.


def value_of(value: Any) -> Any:
    """A value of a column, as JSON can have it."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, str):
        return value[:MAX_TEXT]
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [value_of(each) for each in list(value)[:MANY]]
    return str(value)[:MAX_TEXT]


def _fields(row: Any, names: Iterable[str]) -> Iterator[tuple[str, Any, Any]]:
    """Name, old and new value of each column that was changed."""
    histories = {name: inspect(row).attrs[name].history for name in names}
    changed = {
        name: each.added[0] if each.added else None
        for name, each in histories.items()
        if each.has_changes()
    }
    before = {
        name: histories[name].deleted[0] for name in changed if histories[name].deleted
    }
    # Of what was set without having been read, the old value is in the database alone.
    before |= _stored(row, [name for name in changed if name not in before])
    for name, new in changed.items():
        old = before.get(name)
        if old == new:
            continue
        if name in SECRET:
            old = new = '(secret)'
        yield name.lstrip('_'), value_of(old), value_of(new)


def _stored(row: Any, names: list[str]) -> dict[str, Any]:
    state = inspect(row)
    if not names or not state.persistent:
        return {}
    columns = [state.mapper.attrs[name].columns[0].label(name) for name in names]
    [key] = state.mapper.primary_key
    query = select(*columns).where(key == state.identity[0])
    found = state.session.execute(query).first()
    return {} if found is None else dict(found._mapping)


def _settings_of(
    action: Action,
    about: tuple[str | None, str],
    found: Iterable[tuple[str, Any, Any]],
    more: Mapping[str, Any] = MappingProxyType({}),
) -> Iterator[Change]:
    """A change for each setting of somebody or something.

    :param about: The list, and whom or what of it.
    :param found: As :func:`_fields` gives them.
    :param more: What else is to be known of each.
    """
    for name, old, new in found:
        yield Change(action, *about, {**more, 'setting': name, 'old': old, 'new': new})


def _columns(row: Any) -> list[str]:
    return [each.key for each in inspect(row).mapper.column_attrs]


def _of_list(row: Any, is_new: bool, is_gone: bool) -> Iterator[Change]:
    if is_new or is_gone:
        action = Action.list_created if is_new else Action.list_deleted
        yield Change(action, row.list_id, row.fqdn_listname, {})
        return
    names = [each for each in _columns(row) if each not in KEPT_BY_MAILMAN]
    for name, old, new in _fields(row, names):
        name, old, new = _in_our_words(row, name, old, new)
        detail = {'old': old, 'new': new}
        yield Change(Action.setting_changed, row.list_id, name, detail)


def _in_our_words(mlist: Any, name: str, old: Any, new: Any) -> tuple[str, Any, Any]:
    """A change of a column in which a list of ours keeps a setting of ours."""
    ours = (
        row_of(mlist) if name in ('anonymous_list', 'default_member_action') else None
    )
    if ours is not None and name == 'anonymous_list':
        words = {True: Mask.everyone.value, False: ours.mask}
        return 'mask', words.get(old), words.get(new)
    if ours is not None and ours.list_type == ListType.discussion:
        words = {action.name: replies.value for replies, action in ACTIONS.items()}
        return 'replies', words.get(old, old), words.get(new, new)
    return name, old, new


def _of_member(row: Any, is_new: bool, is_gone: bool) -> Iterator[Change]:
    address = row.address
    email = '' if address is None else address.email
    role = {} if row.role is MemberRole.member else {'role': value_of(row.role)}
    if is_new or is_gone:
        action = Action.member_added if is_new else Action.member_removed
        yield Change(action, row.list_id, email, role)
        return
    found = list(_fields(row, ('role', 'moderation_action')))
    if inspect(row).attrs['_address'].history.has_changes():
        [*old] = inspect(row).attrs['_address'].history.deleted
        before = old[0].email if old and old[0] is not None else None
        found.append(('address', before, email))
    yield from _settings_of(Action.member_changed, (row.list_id, email), found, role)


def _of_preferences(row: Any, is_new: bool, is_gone: bool) -> Iterator[Change]:
    if is_new or is_gone:
        return
    found = list(_fields(row, (each for each in _columns(row) if each != 'id')))
    stopped = DeliveryStatus.by_bounces.name
    if current_actor.get() == 'mailman':
        # What bounces do is in their own ledger (R16).
        found = [each for each in found if stopped not in each[1:]]
    if found:
        yield from _settings_of(Action.member_changed, _whose(row), found)


def _whose(preferences: Any) -> tuple[str | None, str]:
    session = inspect(preferences).session
    with session.no_autoflush:
        of = {'preferences_id': preferences.id}
        if member := session.query(Member).filter_by(**of).first():
            return member.list_id, getattr(member.address, 'email', '')
        if address := session.query(Address).filter_by(**of).first():
            return None, address.email
        user = session.query(User).filter_by(**of).first()
    return None, '' if user is None else _name_of(user)


def _name_of(user: Any) -> str:
    address = user.preferred_address or next(iter(user.addresses), None)
    return str(user.user_id) if address is None else address.email


def _of_user(row: Any, is_new: bool, is_gone: bool) -> Iterator[Change]:
    about = None, _name_of(row)
    if is_gone:
        yield Change(Action.person_removed, *about, {})
    elif is_new:
        found = [('is_server_owner', None, True)] if row.is_server_owner else []
        yield from _settings_of(Action.person_changed, about, found)
    else:
        changed = _fields(row, ('display_name', '_password', 'is_server_owner'))
        yield from _settings_of(Action.person_changed, about, changed)


def _of_address(row: Any, is_new: bool, is_gone: bool) -> Iterator[Change]:
    if is_gone:
        yield Change(Action.person_removed, None, row.email, {})
    elif not is_new:
        changed = _fields(row, ('email', 'display_name', 'user_id'))
        yield from _settings_of(Action.person_changed, (None, row.email), changed)


def _of_ban(row: Any, is_new: bool, is_gone: bool) -> Iterator[Change]:
    if is_new or is_gone:
        action = Action.ban_added if is_new else Action.ban_removed
        yield Change(action, row.list_id, row.email, {})


def _of_domain(row: Any, is_new: bool, is_gone: bool) -> Iterator[Change]:
    if is_new or is_gone:
        action = Action.domain_added if is_new else Action.domain_removed
        yield Change(action, None, row.mail_host, {})
        return
    found = list(_fields(row, ('description', 'alias_domain')))
    owners = inspect(row).attrs['owners'].history
    if owners.has_changes():
        before = sorted(map(_name_of, owners.deleted))
        found.append(('owners', before, sorted(map(_name_of, owners.added))))
    yield from _settings_of(Action.domain_changed, (None, row.mail_host), found)


def _of_text(row: Any, is_new: bool, is_gone: bool) -> Iterator[Change]:
    detail = {} if is_gone else {'uri': value_of(row.uri)}
    action = Action.text_removed if is_gone else Action.text_set
    if is_new or is_gone or any(_fields(row, ('uri', 'username', 'password'))):
        # A list's own, a domain's, or the site's.
        yield Change(action, row.context or None, row.name, detail)


def _part_of_list(name: str, *columns: str) -> _Describing:
    """What is a setting of a list, in a table of its own."""

    def describe(row: Any, is_new: bool, is_gone: bool) -> Iterator[Change]:
        mlist = row.mailing_list
        if mlist is None or inspect(mlist).pending or mlist in _deleted(row):
            return
        values = {each: value_of(getattr(row, each)) for each in columns}
        if is_new or is_gone:
            detail = {'new' if is_new else 'old': values}
        else:
            changed = list(_fields(row, columns))
            if not changed:
                return
            old = {**values, **{each[0]: each[1] for each in changed}}
            detail = {'old': old, 'new': values}
        yield Change(Action.setting_changed, mlist.list_id, name, detail)

    return describe


def _deleted(row: Any) -> Any:
    session = inspect(row).session
    return () if session is None else session.deleted


DESCRIBED: dict[type, _Describing] = {
    MailingList: _of_list,
    Member: _of_member,
    Preferences: _of_preferences,
    User: _of_user,
    Address: _of_address,
    Ban: _of_ban,
    Domain: _of_domain,
    Template: _of_text,
    HeaderMatch: _part_of_list('header_matches', 'header', 'pattern', 'chain', 'tag'),
    ContentFilter: _part_of_list('content_filters', 'filter_type', 'filter_pattern'),
    AcceptableAlias: _part_of_list('acceptable_aliases', 'alias'),
    ListArchiver: _part_of_list('archivers', 'name', '_is_enabled'),
}
"""What can say in words how it was changed."""


# When they are written.


class _Noted(NamedTuple):
    """What was seen, and in which savepoint; None is outside of any."""

    savepoint: Any
    what: Any


def _look(session: Session, _context: Any, _instances: Any) -> None:
    savepoint, info = session.get_nested_transaction(), session.info
    for rows, is_new, is_gone in (
        (session.new, True, False),
        (session.dirty, False, False),
        (session.deleted, False, True),
    ):
        for row in rows:
            if isinstance(row, QNetAudit):
                told = (row.action, row.list_id, row.subject)
                info.setdefault(_TOLD, []).append(_Noted(savepoint, told))
            elif not isinstance(row, Model) or isinstance(row, BOOKKEEPING):
                continue
            describe, found = DESCRIBED.get(type(row)), []
            if describe is not None:
                with session.no_autoflush:
                    found = list(describe(row, is_new, is_gone))
                actor = current_actor.get()
                noted = [
                    _Noted(savepoint, each._replace(actor=actor)) for each in found
                ]
                info.setdefault(_CHANGES, []).extend(noted)
            if not found and (is_new or is_gone or session.is_modified(row)):
                info.setdefault(_OTHER, []).append(_Noted(savepoint, row))


def _look_at_many(execution: Any) -> None:
    """Rows that are changed or deleted by a statement, without being read."""
    mapper = execution.bind_mapper
    if (execution.is_update or execution.is_delete) and mapper is not None:
        table = mapper.class_
        if issubclass(table, Model) and not issubclass(table, BOOKKEEPING):
            session = execution.session
            noted = _Noted(session.get_nested_transaction(), table)
            session.info.setdefault(_OTHER, []).append(noted)


def _write(session: Session) -> None:
    if session.in_nested_transaction():
        return
    session.flush()
    changes = [each.what for each in session.info.pop(_CHANGES, ())]
    told = {each.what for each in session.info.pop(_TOLD, ())}
    other = session.info.pop(_OTHER, ())
    rows = list(_together(_untold(changes, told)))
    # Whoever asks for something has a token, which alone is no change.
    is_change = changes or any(not isinstance(each.what, Pended) for each in other)
    asked = _doing.get()() if changes or other else None
    if asked is not None and (
        bool(is_change or other) if asked.always else is_change and not (rows or told)
    ):
        rows.append(Change(asked.action, asked.list_id, asked.subject, asked.detail))
    for action, list_id, subject, detail, actor in rows:
        record(action, list_id, subject, actor=actor, **detail)


def _untold(
    changes: list[Change], told: set[tuple[str, str | None, str]]
) -> Iterator[Change]:
    """The changes that nobody has told in words of their own."""
    by_hand = {list_id for action, list_id, _ in told if action in _WHOLE}
    settings = {about for action, about, _ in told if action == Action.setting_changed}
    subjects = {(list_id, subject) for _, list_id, subject in told}
    whole = {each.list_id for each in changes if each.action in _WHOLE}
    for each in changes:
        if each.list_id is not None and (
            each.list_id in by_hand
            or (each.list_id in whole and each.action not in _WHOLE)
            or (each.list_id in settings and each.action is Action.setting_changed)
        ):
            continue
        of_many = (each.action.value, each.list_id, '')
        if (each.list_id, each.subject) not in subjects and of_many not in told:
            yield each


def _together(changes: Iterable[Change]) -> Iterator[Change]:
    """The changes, where many of a kind are one."""
    kinds = defaultdict[tuple[Action, str | None, str | None], list[Change]](list)
    for each in changes:
        kinds[each.action, each.list_id, each.actor].append(each)
    for (action, list_id, actor), those in kinds.items():
        if len(those) <= MANY:
            yield from those
            continue
        subjects = sorted(each.subject for each in those)
        digest = hashlib.sha256('\n'.join(subjects).encode()).hexdigest()
        detail = {'count': len(those), 'sha256': digest}
        yield Change(action, list_id, '', detail, actor)


def _forget(session: Session) -> None:
    for name in (_CHANGES, _TOLD, _OTHER):
        session.info.pop(name, None)


def _take_back(session: Session, ended: Any) -> None:
    """Forget what was rolled back."""
    if not ended.nested:
        _forget(session)
        return
    for name in (_CHANGES, _TOLD, _OTHER):
        if noted := session.info.get(name):
            kept = [each for each in noted if not _is_within(each.savepoint, ended)]
            session.info[name] = kept


def _is_within(savepoint: Any, outer: Any) -> bool:
    while savepoint is not None:
        if savepoint is outer:
            return True
        savepoint = savepoint.parent
    return False


LISTENERS: tuple[tuple[str, Callable[..., None]], ...] = (
    ('before_flush', _look),
    ('do_orm_execute', _look_at_many),
    ('before_commit', _write),
    ('after_commit', _forget),
    ('after_soft_rollback', _take_back),
)
"""What looks at a session's events, by their names."""
