# SPDX-License-Identifier: GPL-3.0-or-later
"""A list as the form that would make it again (R29, R30)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from mailman.interfaces.member import MemberRole
from mailman.model.address import Address
from mailman.model.member import Member
from mailman.model.user import User
from sqlalchemy import func, select

from qnet_mailman import site, values
from qnet_mailman.forms.readers import MAX_CSV_ROWS
from qnet_mailman.forms.schema import KIND, Attestations, ListRequest
from qnet_mailman.lists import settings
from qnet_mailman.lists.settings import FIELDS, Value
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.base import store
from qnet_mailman.model.closures import closure_of
from qnet_mailman.model.forms import QNetForm
from qnet_mailman.model.lists import row_of
from qnet_mailman.provisioning.looking import assignments_by_role
from qnet_mailman.roles.people import Assignee, Role
from qnet_mailman.values import Visibility

NOBODY = {'name': 'Fill In', 'email': values.NOBODY}
"""A person who is still to be named."""


class NotOurs(Exception):
    """A list without a style of ours, which no form makes."""


@dataclass
class Export:
    """A form, and what a reader of it has to know.

    :ivar data: The form's data, in the order of an empty form.
    :ivar remarks: Sentences about it, by the key that they stand before.
    """

    data: dict[str, Any] = field(default_factory=dict)
    remarks: dict[str, list[str]] = field(default_factory=dict)

    def remark(self, key: str, text: str) -> None:
        """Say something about a part of the form."""
        self.remarks.setdefault(key, []).append(text)

    def as_yaml(self) -> str:
        """The form in YAML, remarks as comments."""
        parts = []
        for key, value in self.data.items():
            parts += [f'# {text}\n' for text in self.remarks.get(key, ())]
            parts.append(
                yaml.safe_dump(
                    {key: value},
                    sort_keys=False,
                    allow_unicode=True,
                    width=float('inf'),
                )
            )
        return ''.join(parts)

    def as_json(self) -> str:
        """The form in JSON, which has no place for remarks."""
        return json.dumps(self.data, indent=2, ensure_ascii=False) + '\n'


FORMATS: dict[str, Callable[[Export], str]] = {
    'yaml': Export.as_yaml,
    'json': Export.as_json,
}


def form_of(mlist: Mlist, subscribers: str = '') -> Export:
    """The form that would make a list again.

    Applied to this list it changes nothing, whatever its administrators have set since
    the list was made.

    :param mlist: The list.
    :param subscribers: The name of the CSV file with its members, beside the form.
    :raises NotOurs: if no form can make it.
    """
    row = row_of(mlist)
    if row is None:
        raise NotOurs(f'{mlist.fqdn_listname} was made without a QualityNet style')
    export = Export()
    closure = closure_of(mlist.list_id)
    if closure is not None:
        export.remark('form', f'Forms do not say it: closed ({closure.action}).')
    kept = _newest_form(mlist.list_id)
    people = assignments_by_role(mlist)
    _head(export, kept, people)
    export.data['list'] = _settings(export, mlist, row.list_type, row.visibility)
    _people(export, people)
    _subscribers(export, mlist, subscribers)
    if kept is not None:
        export.data['attestations'] = kept.attestations.model_dump()
    elif row.visibility == Visibility.public:
        export.data['attestations'] = dict.fromkeys(Attestations.model_fields, True)
        export.remark('attestations', 'To be declared by the requester.')
    return export


def _newest_form(list_id: str) -> ListRequest | None:
    content = store().scalar(
        select(QNetForm.content)
        .where(QNetForm.list_id == list_id, QNetForm.kind == KIND)
        .order_by(QNetForm.applied_at.desc(), QNetForm.id.desc())
        .limit(1)
    )
    return None if content is None else ListRequest.model_validate_json(content)


def _head(
    export: Export,
    kept: ListRequest | None,
    people: dict[tuple[Role, str], Assignee],
) -> None:
    export.data['form'] = KIND
    if kept is not None:
        export.data['ticket'] = kept.ticket
        export.data['requester'] = _filled(kept.requester.model_dump())
        if kept.approver is not None:
            export.data['approver'] = kept.approver.model_dump()
    else:
        administrators = (
            {'name': person.name, 'email': person.email}
            for (role, email), person in sorted(people.items())
            if role is Role.administrator and person.name
        )
        export.data['requester'] = next(administrators, dict(NOBODY))
        export.remark('requester', 'Not known; put in who answers for the list.')
    if site.settings().approver_required and 'approver' not in export.data:
        export.data['approver'] = dict(NOBODY)
        export.remark('approver', 'Not known, and this site requires it.')


def _filled(section: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in section.items() if value not in ('', False)}


def _settings(
    export: Export, mlist: Mlist, list_type: str, visibility: str
) -> dict[str, Any]:
    current = settings.current(mlist)
    for key, usual in (('personalize', 'on'), ('member_authentication', 'off')):
        found = current.pop(key)
        if found != usual:
            export.remark('list', f'Forms do not say it: {key} is {found}.')
    instead: dict[str, Value] = {
        'display_name': mlist.list_name,
        'description': mlist.list_name,
        'reply_to': '',
        'threshold': 5,
        'window_days': 7,
    }
    fit = {
        key: _fit(export, 'list', key, value, instead.get(key, ''))
        for key, value in current.items()
    }
    bounces = {key: fit.pop(key) for key in ('threshold', 'window_days')}
    return {
        'name': mlist.fqdn_listname,
        'display_name': fit.pop('display_name'),
        'description': fit.pop('description'),
        'type': list_type,
        'visibility': visibility,
        **_filled(fit),
        'bounces': bounces,
    }


def _fit(export: Export, part: str, key: str, value: Value, instead: Value) -> Value:
    """A value if a form can have it; else another one, and a remark."""
    try:
        return FIELDS[key].check(value)
    except ValueError:
        export.remark(part, f'{key} is {values.found(value)}, which no form can say.')
        return instead


def _people(export: Export, people: dict[tuple[Role, str], Assignee]) -> None:
    for role in (Role.administrator, Role.moderator):
        roster = f'{role.value}s'
        export.data[roster] = [
            _filled(
                {
                    'name': person.name or person.email,
                    'email': person.email,
                    'harp_id': person.harp_id,
                    'may_post': person.may_post,
                }
            )
            for (each, email), person in sorted(people.items())
            if each is role
        ]
    if not export.data['administrators']:
        export.data['administrators'] = [dict(NOBODY)]
        export.remark('administrators', 'The list has none; it needs at least one.')
    if not export.data['moderators']:
        del export.data['moderators']


def _subscribers(export: Export, mlist: Mlist, file: str) -> None:
    query = select(func.count(Member.id)).where(
        Member.list_id == mlist.list_id, Member.role == MemberRole.member
    )
    count = store().scalar(query) or 0
    if file:
        export.data['subscribers'] = file
    elif count:
        export.data['subscribers'] = []
        export.remark(
            'subscribers', f'{count} are left out; --subscribers FILE.csv writes them.'
        )


def subscribers_csv(mlist: Mlist) -> tuple[str, int]:
    """The members of a list as the CSV file that a form names.

    :return: The file, and how many members a form cannot name.
    """
    file = io.StringIO(newline='')
    table = csv.writer(file, lineterminator='\n')
    table.writerow(('email', 'name'))
    left_out = 0
    for number, (email, name) in enumerate(_members(mlist.list_id)):
        try:
            row = values.email(email), _name(name)
        except ValueError:
            left_out += 1
        else:
            if number < MAX_CSV_ROWS:
                table.writerow(row)
            else:
                left_out += 1
    return file.getvalue(), left_out


def _name(name: str) -> str:
    try:
        return values.line(name, values.MAX_NAME, optional=True)
    except ValueError:
        return ''


def _members(list_id: str) -> Iterator[tuple[str, str]]:
    columns = select(
        func.coalesce(Address._original, Address.email).label('email'),
        func.coalesce(
            func.nullif(Address.display_name, ''), User.display_name, ''
        ).label('name'),
    )
    on_list = (Member.list_id == list_id, Member.role == MemberRole.member)
    by_address = (
        columns.select_from(Member)
        .join(Address, Member.address_id == Address.id)
        .outerjoin(User, Address.user_id == User.id)
        .where(*on_list)
    )
    by_user = (
        columns.select_from(Member)
        .join(User, Member.user_id == User.id)
        .join(Address, User._preferred_address_id == Address.id)
        .where(*on_list)
    )
    both = by_address.union_all(by_user).order_by('email')
    yield from (row._tuple() for row in store().execute(both))
