# SPDX-License-Identifier: GPL-3.0-or-later
"""Assigning a person to a list by hand, by whichever door: command line or REST (R25).

What is not given stays as it is; somebody new needs a name, must not be banned, and has
no posting privileges unless they are given.  Forms have a plan of their own, which
names every mistake of a form at once; both end in :func:`.people.assign`.

So does the owner of a new list whom `mailman create -o` names.
"""

from __future__ import annotations

from typing import Any

import click
from mailman.interfaces.member import MemberRole, SubscriptionEvent

from qnet_mailman import values
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.finding import banned_among
from qnet_mailman.model.lists import row_of
from qnet_mailman.roles import overview, people, projection
from qnet_mailman.roles.people import Assignee
from qnet_mailman.roles.rights import Role


class CannotAppoint(ValueError):
    """Nobody was assigned.

    :ivar field: What is wrong: `list`, `email`, `name` or `harp_id`.
    :ivar problem: Why, in words.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f'{field}: {problem}')
        self.field = field
        self.problem = problem


def appoint(
    mlist: Mlist,
    role: Role,
    email: str,
    *,
    name: str | None = None,
    harp_id: str | None = None,
    may_post: bool | None = None,
) -> bool:
    """Assign a person to a list, or change how they are; does not commit.

    :param email: A valid address, in lower case.
    :param harp_id: The person's ID, which may name its provider; empty for none.
    :return: Whether anything changed.
    :raises CannotAppoint: if the list or the person does not fit.
    """
    if row_of(mlist) is None:
        problem = f'{mlist.fqdn_listname} was made without a QualityNet style'
        raise CannotAppoint('list', problem)
    if email == mlist.posting_address:
        raise CannotAppoint('email', f"found the list's own address {email}")
    before = next(
        (row for row in people.assignments_of(mlist, role) if row.email == email), None
    )
    if before is None and not name:
        raise CannotAppoint('name', f'missing: {email} is not assigned as {role} yet')
    if before is None and banned_among(mlist.list_id, [email]):
        raise CannotAppoint('email', f'{email} is banned from this list or site')
    if may_post is None:
        may_post = before is not None and before.may_post
    person = Assignee(
        email,
        _line('name', name, before.name if before else ''),
        _line('harp_id', harp_id, before.harp_id if before else ''),
        may_post=may_post,
    )
    return people.assign(mlist, role, person)


def handle_subscription(event: Any) -> None:
    """Assign an owner whom `mailman create` puts on the roster, and say what that is.

    Everybody else who is put on a roster without being assigned is taken off again
    (:func:`.projection.handle_subscription`).
    """
    context = click.get_current_context(silent=True)
    if (
        context is None
        or context.info_name != 'create'
        or not isinstance(event, SubscriptionEvent)
        or event.member.role is not MemberRole.owner
        or row_of(event.mlist) is None
    ):
        projection.handle_subscription(event)
        return
    email = event.member.address.email
    people.assign(event.mlist, Role.administrator, Assignee(email))
    [entry] = overview.assignments_as_dicts(
        row
        for row in people.assignments_of(event.mlist, Role.administrator)
        if row.email == email
    )
    waits = overview.waits_for(entry)
    click.echo(
        f'{email} is assigned as administrator, without posting privileges'
        + (f', and {waits}' if waits else ''),
        err=True,
    )


def _line(field: str, given: str | None, before: str) -> str:
    try:
        text = before if given is None else given
        return values.line(text, values.MAX_NAME, optional=field == 'harp_id')
    except ValueError as error:
        raise CannotAppoint(field, f'expected {error}') from error
