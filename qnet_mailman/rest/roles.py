# SPDX-License-Identifier: GPL-3.0-or-later
"""/roles: assignments, grants, and what a person may do (R24-R28).

What is changed here is in the audit log under `REST`, with the `actor` that the caller
names behind it: the person for whom it asks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any

from lazr.config import as_boolean
from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.rest.helpers import NotFound, bad_request, child, conflict, etag, okay
from mailman.rest.validator import Validator, list_of_strings_validator
from zope.component import getUtility

from qnet_mailman import site, values
from qnet_mailman.model import audit
from qnet_mailman.rest.acting import ACTOR, acting_for, person
from qnet_mailman.roles import grants, importing, notices, overview, people
from qnet_mailman.roles.appointing import appoint
from qnet_mailman.roles.grants import GrantError
from qnet_mailman.roles.importing import FileInvalid, Mode, point_of_time, role_of
from qnet_mailman.roles.rights import Identity, Role, Status

log = logging.getLogger('mailman.plugins')


def _email(value: str) -> str:
    return values.email(value).lower()


def _reason(value: str) -> str:
    return values.paragraph(value, importing.MAX_REASON)


def _moment(value: str) -> datetime | None:
    if value.strip().lower() in ('', 'never'):
        return None
    return point_of_time(value, site.settings().time_zone)


def _status(value: str) -> str:
    return values.choice(value, Status)


def _mode(value: str) -> Mode:
    return Mode(values.choice(value, Mode))


def _list(value: str) -> Any:
    mlist = getUtility(IListManager).get(value.strip().lower())
    if mlist is None:
        raise ValueError('no such list')
    return mlist


def _roles(value: Any) -> set[Role]:
    return {role_of(each) for each in list_of_strings_validator(value)}


class _Change(StrEnum):
    add = 'add'
    remove = 'remove'


_OPERATOR = {
    _Change.add: audit.Action.operator_added,
    _Change.remove: audit.Action.operator_removed,
}
_WHO: dict[str, Any] = {'provider': str, 'user_id': str}


def _identity(fields: dict[str, Any]) -> Identity:
    """Takes provider and ID out of the fields."""
    user_id = fields.pop('user_id')
    provider = fields.pop('provider', None)
    if provider is None:
        return Identity.written(user_id)
    return Identity.of(user_id, provider)


def _commit_and_tell() -> None:
    config.db.commit()
    try:
        notices.tell()
    except Exception:
        # The periodic job writes what is not written now.
        config.db.abort()
        log.exception('The messages about roles were not written')


def _entries(found: list[dict[str, Any]]) -> dict[str, Any]:
    answer: dict[str, Any] = {'start': 0, 'total_size': len(found)}
    if found:
        for entry in found:
            etag(entry)
        answer['entries'] = found
    return answer


class _Fields(Validator):
    """Mailman's validator, for JSON: text is asked for, and may be something else."""

    def __call__(self, request: Any) -> dict[str, Any]:
        """The fields of a request, converted.

        :raises ValueError: if one is wrong.
        """
        try:
            return dict(super().__call__(request))
        except AttributeError:
            raise ValueError('expected text in every field') from None


class _Post:
    """A resource that does one thing.

    200 and what came of it; 400 what is wrong with the request; 409 what was asked for
    does not fit the grant as it is.
    """

    required: dict[str, Any] = {}
    optional: dict[str, Any] = {}

    def on_post(self, request: Any, response: Any) -> None:
        """See the class."""
        optional = {'actor': person, **self.optional}
        validator = _Fields(**self.required, **optional, _optional=tuple(optional))
        try:
            fields = validator(request)
            with audit.recorded_as(acting_for(fields.pop('actor', None))):
                answer = self.work(fields)
        except FileInvalid as invalid:
            config.db.abort()
            bad_request(response, '\n'.join(invalid.mistakes))
        except ValueError as error:
            config.db.abort()
            bad_request(response, str(error))
        except GrantError as error:
            config.db.abort()
            conflict(response, str(error))
        else:
            _commit_and_tell()
            okay(response, etag(answer))

    def work(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Do it.

        :param fields: The request's, in order.
        :return: The answer.
        """
        raise NotImplementedError


class _SignIn(_Post):
    """The provider says that a person has exactly these roles now.

    The answer is that of `rights`.
    """

    required = {**_WHO, 'name': person, 'email': _email}
    optional = {'roles': _roles}

    def work(self, fields: dict[str, Any]) -> dict[str, Any]:
        """See the class."""
        identity = _identity(fields)
        with audit.recorded_as(f'sign-in of {identity}'):
            grants.sign_in(
                identity, fields['name'], fields['email'], fields.get('roles', ())
            )
        return overview.rights(identity)


class _Assign(_Post):
    """Assign a person to a list, or change how they are; see `appoint`."""

    required = {'list': _list, 'email': _email, 'role': role_of}
    optional = {'name': person, 'harp_id': person, 'may_post': as_boolean}

    def work(self, fields: dict[str, Any]) -> dict[str, Any]:
        """See the class."""
        mlist, role, email = (fields.pop(each) for each in ('list', 'role', 'email'))
        return {'changed': appoint(mlist, role, email, **fields)}


class _Unassign(_Post):
    """Take a person's assignment to a list away."""

    required = {'list': _list, 'email': _email, 'role': role_of}

    def work(self, fields: dict[str, Any]) -> dict[str, Any]:
        """See the class."""
        changed = people.unassign(fields['list'], fields['role'], fields['email'])
        return {'changed': changed}


class _ChangeAddress(_Post):
    """Let all assignments of one address be of another one."""

    required = {'old': _email, 'new': _email}

    def work(self, fields: dict[str, Any]) -> dict[str, Any]:
        """See the class."""
        return {'lists': people.change_address(fields['old'], fields['new'])}


class _Decide(_Post):
    """An operator's decision about a role of a person."""

    required = {'user_id': str, 'role': role_of}
    optional = {'provider': str}

    def work(self, fields: dict[str, Any]) -> dict[str, Any]:
        """See the class."""
        return {'changed': self.decide(_identity(fields), fields.pop('role'), fields)}

    def decide(self, identity: Identity, role: Role, rest: dict[str, Any]) -> bool:
        """Decide.

        :return: Whether anything changed.
        """
        raise NotImplementedError


class _Approve(_Decide):
    optional = {
        **_Decide.optional,
        'name': person,
        'email': _email,
        'expires_at': _moment,
    }

    def decide(self, identity: Identity, role: Role, rest: dict[str, Any]) -> bool:
        return grants.approve(identity, role, **rest)


class _Request(_Decide):
    optional = {**_Decide.optional, 'name': person, 'email': _email}

    def decide(self, identity: Identity, role: Role, rest: dict[str, Any]) -> bool:
        name, email = rest.get('name'), rest.get('email')
        return grants.request(identity, role, name=name, email=email)


class _WithReason(_Decide):
    required = {**_Decide.required, 'reason': _reason}

    def __init__(self, work: Callable[[Identity, Role, str], bool]) -> None:
        self._work = work

    def decide(self, identity: Identity, role: Role, rest: dict[str, Any]) -> bool:
        return self._work(identity, role, rest['reason'])


class _ExpireAt(_Decide):
    required = {**_Decide.required, 'when': _moment}

    def decide(self, identity: Identity, role: Role, rest: dict[str, Any]) -> bool:
        return grants.expire_at(identity, role, rest['when'])


class _Import(_Post):
    """Import grants: the text of a file, CSV or JSON."""

    required = {'content': str}
    optional = {
        'format': lambda value: value.lower(),
        'mode': _mode,
        'source': person,
        'dry_run': as_boolean,
        'force': as_boolean,
        'mail': as_boolean,
    }

    def work(self, fields: dict[str, Any]) -> dict[str, Any]:
        """See the class."""
        kind = fields.get('format', 'csv')
        if kind not in ('csv', 'json'):
            raise ValueError('format: expected csv or json')
        plan = importing.run(
            fields['content'].encode('utf-8', 'surrogatepass'),
            as_json=kind == 'json',
            mode=fields.get('mode', Mode.delta),
            source=fields.get('source', ACTOR),
            dry_run=fields.get('dry_run', False),
            force=fields.get('force', False),
            silent=not fields.get('mail', True),
        )
        return plan.as_dict()


class _Operator(_Post):
    """The web side makes a person an operator, or no operator any more.

    Operators are the web side's: core only writes it into the audit log (R31).
    """

    required = {**_WHO, 'change': lambda value: _Change(values.choice(value, _Change))}
    optional = {'name': person, 'email': _email}

    def work(self, fields: dict[str, Any]) -> dict[str, Any]:
        """See the class."""
        identity, change = _identity(fields), fields.pop('change')
        audit.record(_OPERATOR[change], None, str(identity), **fields)
        return {'recorded': True}


class _Rights:
    def on_get(self, request: Any, response: Any) -> None:
        """What a person may do now; nothing for one who is not known."""
        try:
            fields = _Fields(**_WHO)(request)
            identity = _identity(fields)
        except ValueError as error:
            bad_request(response, str(error))
            return
        okay(response, etag(overview.rights(identity)))


class _Rosters:
    def on_get(self, request: Any, response: Any) -> None:
        """What each `address` looks after among lists without one of our styles.

        Whoever asks knows that the addresses are the person's.
        """
        try:
            asked = _Fields(address=list_of_strings_validator)(request)
        except ValueError as error:
            bad_request(response, str(error))
            return
        okay(response, etag(overview.on_rosters_elsewhere(asked['address'])))


class _Grants:
    def on_get(self, request: Any, response: Any) -> None:
        """The grants; `provider`, `user_id`, `role` and `status` narrow them down."""
        narrow = {'provider': str, 'user_id': str, 'role': role_of, 'status': _status}
        try:
            fields = _Fields(**narrow, _optional=tuple(narrow))(request)
        except ValueError as error:
            bad_request(response, str(error))
            return
        found = [overview.grant_as_dict(row) for row in overview.grants(**fields)]
        okay(response, etag(_entries(found)))


class Roles:
    """Who is assigned to which list, who has which role."""

    def on_get(self, request: Any, response: Any) -> None:
        """The assignments; `list` (an address or ID) narrows them down."""
        try:
            fields = _Fields(list=_list, _optional=('list',))(request)
        except ValueError as error:
            bad_request(response, str(error))
            return
        mlist = fields.get('list')
        rows = overview.assignments(None if mlist is None else [mlist.list_id])
        entries = overview.assignments_as_dicts(rows)
        found = [
            {'list_id': row.list_id, **entry}
            for row, entry in zip(rows, entries, strict=True)
        ]
        okay(response, etag(_entries(found)))

    @child(r'^(?P<name>[a-z-]+)')
    def one(self, context: Any, segments: list[str], name: str) -> Any:
        """/roles/<what is asked for>"""
        make = RESOURCES.get(name)
        if make is None or segments:
            return NotFound(), []
        return make(), []


RESOURCES: dict[str, Callable[[], Any]] = {
    'rights': _Rights,
    'rosters': _Rosters,
    'grants': _Grants,
    'sign-in': _SignIn,
    'assign': _Assign,
    'unassign': _Unassign,
    'change-address': _ChangeAddress,
    'approve': _Approve,
    'request': _Request,
    'deny': lambda: _WithReason(grants.deny),
    'revoke': lambda: _WithReason(grants.revoke),
    'expire-at': _ExpireAt,
    'import': _Import,
    'operator': _Operator,
}
