# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet roles`: who is assigned to which list (R25)."""

from __future__ import annotations

import json

import click
from mailman.config import config
from sqlalchemy import select

from qnet_mailman.commands.common import (
    INVALID,
    needs_service,
    printable,
    stop,
    the_list,
)
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import row_of
from qnet_mailman.model.people import QNetAssignment
from qnet_mailman.provisioning import values
from qnet_mailman.provisioning.description import assignment_as_dict
from qnet_mailman.provisioning.running import banned_among
from qnet_mailman.roles import people
from qnet_mailman.roles.people import Assignee, Role

_role = click.option(
    '--role', required=True, type=click.Choice([role.value for role in Role])
)


@click.group()
def roles() -> None:
    """Assignments of administrators and moderators to lists."""


@roles.command('list')
@click.option('--json', 'as_json', is_flag=True, help='Print JSON.')
@click.argument('name', metavar='[LIST]', required=False)
@needs_service
def list_assignments(name: str | None, as_json: bool) -> None:
    """Show the assignments of a list, or of all lists."""
    query = select(QNetAssignment).order_by(
        QNetAssignment.list_id, QNetAssignment.role, QNetAssignment.email
    )
    if name is not None:
        query = query.where(QNetAssignment.list_id == the_list(name).list_id)
    found = [
        {'list': row.list_id, **assignment_as_dict(row)}
        for row in store().scalars(query)
    ]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for each in found:
        notes = [
            f'HARP ID {each["harp_id"]}' if each['harp_id'] else 'no HARP ID',
            'may post' if each['may_post'] else 'may not post',
            *([] if each['effective'] else ['waits for the HARP role']),
        ]
        click.echo(
            printable(
                f'{each["list"]}  {each["role"]}  {each["name"]} <{each["email"]}>  '
                f'{", ".join(notes)}'
            )
        )


@roles.command()
@click.argument('list_name', metavar='LIST')
@click.argument('email')
@_role
@click.option('--name', help="The person's name.")
@click.option('--harp-id', help="The person's HARP user ID.")
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
    if row_of(mlist) is None:
        stop(INVALID, f'{mlist.fqdn_listname} was made without a QualityNet style')
    try:
        email = values.email(email).lower()
    except ValueError as error:
        stop(INVALID, f'EMAIL: found {values.found(email)}; expected {error}')
    if email == mlist.posting_address:
        stop(INVALID, f"EMAIL: found the list's own address {email}")
    before = next(
        (row for row in people.assignments_of(mlist, Role(role)) if row.email == email),
        None,
    )
    if before is None and not name:
        stop(INVALID, f'--name is missing: {email} is not assigned as {role} yet')
    if before is None and banned_among(mlist.list_id, [email]):
        stop(INVALID, f'EMAIL: {email} is banned from this list or site')
    written = {
        'name': name if name is not None else before.name if before else '',
        'harp_id': harp_id if harp_id is not None else before.harp_id if before else '',
    }
    try:
        fit = {
            key: values.line(value, values.MAX_NAME, optional=key == 'harp_id')
            for key, value in written.items()
        }
    except ValueError as error:
        stop(INVALID, f'--name, --harp-id: expected {error}')
    if may_post is None:
        may_post = before is not None and before.may_post
    changed = people.assign(
        mlist, Role(role), Assignee(email, may_post=may_post, **fit)
    )
    config.db.store.commit()
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
    config.db.store.commit()
    click.echo(f'{email}: unassigned')
