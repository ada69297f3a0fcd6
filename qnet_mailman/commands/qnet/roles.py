# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet roles`: who is assigned to which list, and who has the role (R25)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from mailman.config import config

from qnet_mailman import site, values
from qnet_mailman.commands.qnet.common import (
    INVALID,
    needs_service,
    printable,
    stop,
    the_list,
)
from qnet_mailman.roles import grants, importing, notices, overview, people
from qnet_mailman.roles.appointing import CannotAppoint, appoint
from qnet_mailman.roles.importing import FileInvalid, Mode
from qnet_mailman.roles.rights import DEFAULT_PROVIDER, Identity, Role, Status

NEVER = 'never'
_OPTIONS = {
    'list': 'LIST',
    'email': 'EMAIL',
    'name': '--name',
    'harp_id': '--harp-id',
}
"""What a person types for each field."""

log = logging.getLogger('mailman.plugins')

_role = click.option(
    '--role', required=True, type=click.Choice([role.value for role in Role])
)
_user_id = click.argument('user_id', metavar='USER_ID')
_provider = click.option(
    '--provider', help=f'Whose ID it is; {DEFAULT_PROVIDER} if not given.'
)
_reason = click.option('--reason', required=True, help='Why; the person reads it.')
_no_mail = click.option('--no-mail', is_flag=True, help='Do not write to the people.')


@click.group()
def roles() -> None:
    """Assignments of people to lists, and the roles that they need for them."""


@roles.command('list')
@click.option('--json', 'as_json', is_flag=True, help='Print JSON.')
@click.option(
    '--grants', 'show_grants', is_flag=True, help='Show who has which role instead.'
)
@click.option(
    '--status',
    type=click.Choice([status.value for status in Status]),
    help='Only grants that are so; with --grants.',
)
@click.argument('name', metavar='[LIST]', required=False)
@needs_service
def list_roles(
    name: str | None, as_json: bool, show_grants: bool, status: str | None
) -> None:
    """Show the assignments of a list, or of all lists, or the grants.

    An assignment without an active grant of the role waits, and gives no right.
    """
    if show_grants:
        if name is not None:
            stop(INVALID, 'a grant is not about a list: give LIST or --grants')
        found = [overview.grant_as_dict(row) for row in overview.grants(status=status)]
        _print(found, as_json, _grant_line)
        return
    if status is not None:
        stop(INVALID, '--status is for --grants')
    rows = overview.assignments(None if name is None else [the_list(name).list_id])
    found = [
        {'list': row.list_id, **entry}
        for row, entry in zip(rows, overview.assignments_as_dicts(rows), strict=True)
    ]
    _print(found, as_json, _assignment_line)


def _print(
    found: list[dict[str, Any]], as_json: bool, line: Callable[[dict[str, Any]], str]
) -> None:
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for each in found:
        click.echo(printable(line(each)))


def _assignment_line(each: dict[str, Any]) -> str:
    waits = overview.waits_for(each)
    notes = [
        f'HARP ID {each["harp_id"]}' if each['harp_id'] else 'no HARP ID',
        'may post' if each['may_post'] else 'may not post',
        *([waits] if waits else []),
    ]
    return (
        f'{each["list"]}  {each["role"]}  {each["name"]} <{each["email"]}>  '
        f'{", ".join(notes)}'
    )


def _grant_line(each: dict[str, Any]) -> str:
    notes = [each['status']]
    if each['expires_at'] is not None:
        notes.append(f'until {each["expires_at"]}')
    if each['reason']:
        notes.append(f'"{each["reason"]}"')
    who = f'{each["name"]} <{each["email"]}>' if each['email'] else each['name']
    return (
        f'{each["provider"]}:{each["user_id"]}  {each["role"]}  {who}  '
        f'{", ".join(notes)}'
    )


@roles.command()
@click.argument('list_name', metavar='LIST')
@click.argument('email')
@_role
@click.option('--name', help="The person's name.")
@click.option(
    '--harp-id', help="The person's HARP user ID; PROVIDER:ID for another provider."
)
@click.option('--may-post/--no-post', default=None, help='Posting privileges.')
@needs_service
def assign(
    list_name: str,
    email: str,
    role: str,
    name: str | None,
    harp_id: str | None,
    may_post: bool | None,
) -> None:
    """Assign a person to a list, or change how they are.

    What is not given stays as it is; a new person needs --name, and has no
    posting privileges unless --may-post is given.
    """
    mlist = the_list(list_name)
    email = _email('EMAIL', email)
    try:
        changed = appoint(
            mlist, Role(role), email, name=name, harp_id=harp_id, may_post=may_post
        )
    except CannotAppoint as error:
        stop(INVALID, f'{_OPTIONS.get(error.field, error.field)}: {error.problem}')
    _commit_and_tell()
    click.echo(f'{email}: {"assigned" if changed else "unchanged"}')


@roles.command()
@click.argument('list_name', metavar='LIST')
@click.argument('email')
@_role
@needs_service
def unassign(list_name: str, email: str, role: str) -> None:
    """Take a person's assignment to a list away."""
    mlist = the_list(list_name)
    if not people.unassign(mlist, Role(role), email):
        stop(INVALID, f'{email} is not assigned as {role} of {mlist.fqdn_listname}')
    _commit_and_tell()
    click.echo(f'{email}: unassigned')


@roles.command('change-address')
@click.argument('old')
@click.argument('new')
@needs_service
def change_address(old: str, new: str) -> None:
    """Let all assignments of the address OLD be of the address NEW."""
    lists = people.change_address(old, _email('NEW', new))
    if not lists:
        stop(INVALID, f'{old} is not assigned to any list, or is NEW itself')
    _commit_and_tell()
    for list_id in lists:
        click.echo(f'{list_id}: {old.lower()} -> {new.lower()}')


@roles.command('import')
@click.argument('file', type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    '--full',
    'mode',
    flag_value=Mode.full.value,
    help='Whoever of a provider is not in the file loses the role.',
)
@click.option(
    '--delta',
    'mode',
    flag_value=Mode.delta.value,
    default=Mode.delta.value,
    help='The file has what changes; the default.',
)
@click.option('--dry-run', is_flag=True, help='Say what would change; change nothing.')
@click.option(
    '--force', is_flag=True, help='Import a file that is empty or takes away much.'
)
@_no_mail
@click.option('--json', 'as_json', is_flag=True, help='Print JSON.')
@needs_service
def import_grants(
    file: Path, mode: str, dry_run: bool, force: bool, no_mail: bool, as_json: bool
) -> None:
    """Import who has which role, from FILE: CSV with a header, or JSON.

    \b
    user_id     the person's ID at the provider
    role        administrator or moderator, or List Administrator, List Moderator
    provider    optional: harp
    name        optional
    email       optional: the address that the provider has verified
    expires_at  optional: a date or time; a date is its beginning
    status      optional: active, requested, denied, revoked or expired

    FILE is JSON if its name ends so: a list of objects with these keys. A file
    with a mistake changes nothing.
    """
    try:
        plan = importing.run(
            file.read_bytes(),
            as_json=file.suffix.lower() == '.json',
            mode=Mode(mode),
            source=file.name,
            dry_run=dry_run,
            force=force,
            silent=no_mail,
        )
    except FileInvalid as invalid:
        config.db.abort()
        stop(
            INVALID,
            *(f'{file}: {mistake}' for mistake in invalid.mistakes),
            'Nothing was changed.',
        )
    if not dry_run:
        _commit_and_tell()
    if as_json:
        click.echo(json.dumps(plan.as_dict() | {'dry_run': dry_run}, indent=2))
        return
    for change in plan.changes:
        click.echo(printable(str(change)))
    click.echo(
        f'{len(plan.decisions)} grants looked at, {len(plan.changes)} change status'
        f'{" (nothing was changed)" if dry_run else ""}'
    )


@roles.command()
@_user_id
@_role
@_provider
@click.option('--name', help="The person's name.")
@click.option('--email', help='The address that is known to be theirs.')
@click.option('--expires-at', metavar='WHEN', help='A date or time, or "never".')
@_no_mail
@needs_service
def approve(
    user_id: str,
    role: str,
    provider: str | None,
    name: str | None,
    email: str | None,
    expires_at: str | None,
    no_mail: bool,
) -> None:
    """Give a person a role, whether they asked for it or not.

    What is not given stays as it is.
    """
    who = _identity(user_id, provider)
    if name is not None:
        try:
            name = values.line(name, values.MAX_NAME)
        except ValueError as error:
            stop(INVALID, f'--name: found {values.found(name)}; expected {error}')
    changed = grants.approve(
        who,
        Role(role),
        name=name,
        email=None if email is None else _email('--email', email),
        expires_at=(
            grants.KEEP if expires_at is None else _when('--expires-at', expires_at)
        ),
        silent=no_mail,
    )
    _done(who, role, changed, 'approved')


@roles.command()
@_user_id
@_role
@_provider
@_reason
@needs_service
def deny(user_id: str, role: str, provider: str | None, reason: str) -> None:
    """Refuse a person a role that they do not have.

    They do not get it by signing in either, until it is approved.
    """
    who = _identity(user_id, provider)
    _done(who, role, _try(grants.deny, who, Role(role), _text(reason)), 'denied')


@roles.command()
@_user_id
@_role
@_provider
@_reason
@needs_service
def revoke(user_id: str, role: str, provider: str | None, reason: str) -> None:
    """Take a role away at once.

    They do not get it back by signing in, until it is approved again.
    """
    who = _identity(user_id, provider)
    _done(who, role, _try(grants.revoke, who, Role(role), _text(reason)), 'revoked')


@roles.command('expire-at')
@_user_id
@click.argument('when', metavar='WHEN')
@_role
@_provider
@needs_service
def expire_at(user_id: str, when: str, role: str, provider: str | None) -> None:
    """Set when a role ends: a date or time, or "never".

    A date is its beginning, in the site's time zone.
    """
    who = _identity(user_id, provider)
    changed = _try(grants.expire_at, who, Role(role), _when('WHEN', when))
    _done(who, role, changed, 'changed')


def _try(work: Callable[..., bool], *arguments: Any) -> bool:
    try:
        return work(*arguments)
    except grants.GrantError as error:
        config.db.abort()
        stop(INVALID, str(error))


def _done(who: Identity, role: str, changed: bool, word: str) -> None:
    _commit_and_tell()
    click.echo(printable(f'{who} {role}: {word if changed else "unchanged"}'))


def _commit_and_tell() -> None:
    config.db.store.commit()
    try:
        notices.tell()
    except Exception:
        # The periodic job writes what is not written now.
        config.db.abort()
        log.exception('The messages about roles were not written')


def _identity(user_id: str, provider: str | None) -> Identity:
    try:
        if provider is not None:
            return Identity.of(user_id, provider)
        return Identity.written(user_id)
    except ValueError as error:
        stop(INVALID, f'USER_ID: found {values.found(user_id)}; expected {error}')


def _email(what: str, text: str) -> str:
    try:
        return values.email(text).lower()
    except ValueError as error:
        stop(INVALID, f'{what}: found {values.found(text)}; expected {error}')


def _text(reason: str) -> str:
    try:
        return values.paragraph(reason, importing.MAX_REASON)
    except ValueError as error:
        stop(INVALID, f'--reason: expected {error}')


def _when(what: str, text: str) -> datetime | None:
    if text.strip().lower() == NEVER:
        return None
    try:
        return importing.point_of_time(text, site.settings().time_zone)
    except ValueError as error:
        stop(INVALID, f'{what}: found {values.found(text)}; expected {error} or never')
