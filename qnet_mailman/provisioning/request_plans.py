# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done for forms that a list's administrators may send (R25, R29).

Only a request of somebody who administers each of its lists now is planned; for any
other an operator has to answer.  As in `plan`, a form that comes again changes only
what differs from its last state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from qnet_mailman.clock import moment_as_text
from qnet_mailman.forms.administrator_request import AdministratorRequest
from qnet_mailman.forms.list_closure import ListClosure
from qnet_mailman.forms.threshold_change import ThresholdChange
from qnet_mailman.model.requests import is_label
from qnet_mailman.provisioning import authority, plan
from qnet_mailman.provisioning.looking import Closeable, Desk, Target, Thresholds
from qnet_mailman.provisioning.plan import (
    ANEW,
    KEPT,
    Draft,
    Plan,
    PlanRefused,
    Problem,
    closed_problem,
    missing_problem,
    set_field,
)
from qnet_mailman.provisioning.steps import (
    Assign,
    Close,
    OnList,
    Unassign,
)
from qnet_mailman.roles.people import Assignee, Role
from qnet_mailman.roles.rights import HARP_NAMES
from qnet_mailman.values import found

_Key = tuple[str, Role, str]
"""A list's address, what somebody is to be there, and their address."""

SHOWN = 5
"""Addresses that a note names."""


def make_administrator_plan(
    form: AdministratorRequest, desk: Desk, *, approved: bool
) -> Plan:
    """Compare an administrator request with what there is.

    :param form: The form.
    :param desk: The lists that it names, and its last state.
    :param approved: Whether an operator answers for it.
    :return: What is to be done.
    :raises PlanRefused: if that cannot be.
    """
    previous = desk.previous
    if previous is not None and previous.digest() == form.digest():
        return Plan(notes=tuple(_undone_assignments(form, desk)), recorded=True)
    problems = [
        *_person_problems(form, previous),
        *(
            problem
            for place, target in enumerate(desk.targets)
            for problem in _target_problems(form, target, place)
        ),
    ]
    needs_approval = _unauthorized((*desk.targets, *desk.left))
    if not approved:
        problems += _authority_problems(form, desk)
    if problems:
        raise PlanRefused(problems)
    steps: list[OnList] = []
    wanted = _assignments(form)
    before = {} if previous is None else _assignments(previous)
    targets = {target.address: target for target in (*desk.targets, *desk.left)}
    for key, person in wanted.items():
        address, role, email = key
        there = targets[address].assignments.get((role, email))
        if before.get(key) != person and there != person:
            steps.append(OnList(address, Assign(role, person, there)))
    for address, role, email in (key for key in before if key not in wanted):
        if address in targets and (role, email) in targets[address].assignments:
            steps.append(OnList(address, Unassign(role, email)))
    steps.sort(key=lambda step: step.address)
    return Plan(
        tuple(steps),
        tuple(_notes(form, desk, steps, needs_approval)),
        approved=bool(needs_approval),
    )


def _assignments(form: AdministratorRequest) -> dict[_Key, Assignee]:
    email = form.person.email.lower()
    person = Assignee(email, form.person.name, form.person.harp_id, form.may_post)
    return {(address, form.role, email): person for address in form.lists}


def _undone_assignments(form: AdministratorRequest, desk: Desk) -> Iterator[str]:
    key = (form.role, form.person.email.lower())
    missing = [each.address for each in desk.targets if key not in each.assignments]
    if missing:
        yield (
            f'{form.person.email} is not {form.role} of {", ".join(missing)} any more; '
            f'{ANEW} makes them one again'
        )


def _undone_settings(form: ThresholdChange, now: Thresholds) -> Iterator[str]:
    if any(now.settings[key] != new for key, new in plan.wanted(form).items()):
        yield f'the settings were changed since; {ANEW} changes them again'


def _person_problems(
    form: AdministratorRequest, previous: AdministratorRequest | None
) -> Iterator[Problem]:
    # Two forms in one mail, both with its ticket, must not undo each other.
    if previous is None:
        return
    yield from authority.another_requester(form, previous)
    if previous.person.email.lower() != form.person.email.lower():
        yield (
            ('ticket',),
            f'found {found(form.ticket)}, but that request is about '
            f'{previous.person.email}; expected another ticket for each person, '
            'or none',
        )


def _target_problems(
    form: AdministratorRequest, target: Target, place: int
) -> Iterator[Problem]:
    email = form.person.email.lower()
    missing = missing_problem(target.address, target)
    if missing is not None:
        yield ('lists', place), missing
    elif target.closure is not None:
        yield ('lists', place), closed_problem(target.address)
    elif email in target.banned and (form.role, email) not in target.assignments:
        yield (
            ('person', 'email'),
            f'found {found(form.person.email)}, which is banned from {target.address} '
            'or the site; expected nobody who is banned',
        )


def _unauthorized(targets: Iterable[Target]) -> list[str]:
    return [
        each.address
        for each in targets
        if each.exists and each.is_ours and not each.is_authorized
    ]


def _authority_problems(form: AdministratorRequest, desk: Desk) -> Iterator[Problem]:
    for place, target in enumerate(desk.targets):
        if _unauthorized([target]):
            yield ('lists', place), authority.no_authority(form, target.address)
    for address in _unauthorized(desk.left):
        yield ('lists',), authority.no_authority(form, address)


def _notes(
    form: AdministratorRequest,
    desk: Desk,
    steps: list[OnList],
    needs_approval: list[str],
) -> Iterator[str]:
    if needs_approval:
        yield authority.approval_note(form, needs_approval)
    if not steps:
        yield 'the lists have it so already' if desk.previous is None else KEPT
    elif desk.is_waiting and any(isinstance(each.step, Assign) for each in steps):
        yield (
            f'{form.person.email.lower()} waits for the HARP role '
            f'{HARP_NAMES[form.role]}'
        )


def make_threshold_plan(
    form: ThresholdChange, now: Thresholds, *, approved: bool
) -> Plan:
    """Compare a threshold change with what there is.

    :param form: The form.
    :param now: The list that it names.
    :param approved: Whether an operator answers for it.
    :return: What is to be done.
    :raises PlanRefused: if that cannot be.
    """
    problem = missing_problem(form.list, now)
    if problem is not None:
        raise PlanRefused([(('list',), problem)])
    if now.previous is not None and now.previous.digest() == form.digest():
        return Plan(notes=tuple(_undone_settings(form, now)), recorded=True)
    if now.is_closed:
        raise PlanRefused([(('list',), closed_problem(form.list))])
    problems = list(
        authority.unauthorized(form, ('list',), form.list, now, approved=approved)
    )
    if problems:
        raise PlanRefused(problems)
    before = {} if now.previous is None else plan.wanted(now.previous)
    draft = Draft()
    if not now.is_authorized:
        draft.notes.append(authority.approval_note(form, [form.list]))
    for key, new in plan.wanted(form).items():
        if before.get(key) != new:
            set_field(draft, now, key, new)
    if not draft.steps:
        draft.notes.append(
            'the list has these settings already' if now.previous is None else KEPT
        )
    elif now.spared:
        shown = ', '.join(now.spared[:SHOWN])
        more = len(now.spared) - SHOWN
        draft.notes.append(
            'delivery stopped by bounces goes on, as the new settings would not have '
            f'stopped it: {shown}{f" and {more} others" if more > 0 else ""}'
        )
    return draft.plan(approved=not now.is_authorized)


def make_closure_plan(
    form: ListClosure,
    now: Closeable,
    *,
    undo_days: int,
    approved: bool,
) -> Plan:
    """Compare a form that closes a list with what there is.

    :param form: The form.
    :param now: The list that it names, and what became of the form before.
    :param undo_days: How long the list can be opened again.
    :param approved: Whether an operator answers for it.
    :return: What is to be done.
    :raises PlanRefused: if that cannot be.
    """
    target, previous = now.target, now.previous
    closure = target.closure
    if now.deleted_at is not None:
        return Plan(notes=(_deletion_note(now.deleted_at, target),), recorded=True)
    if previous is not None and previous.digest() == form.digest():
        notes = () if closure else (f'the list was reopened; {ANEW} closes it',)
        return Plan(notes=notes, recorded=True)
    problem = missing_problem(form.list, target)
    if problem is not None:
        raise PlanRefused([(('list',), problem)])
    problems: list[Problem] = []
    if closure is not None and closure.ticket != form.ticket:
        problems.append(_closed_by_another(form, closure.ticket))
    elif closure is not None and closure.is_final:
        problems.append(
            (('list',), f'the list {form.list} is closed for good; expected another')
        )
    needs_approval = _unauthorized([target])
    problems += authority.unauthorized(
        form, ('list',), form.list, target, approved=approved
    )
    if problems:
        raise PlanRefused(problems)
    notes = (authority.approval_note(form, needs_approval),) if needs_approval else ()
    if previous is not None and _same_end(form, previous):
        return Plan(notes=(*notes, KEPT), approved=bool(needs_approval))
    return Plan((Close(form.action, undo_days),), notes, approved=bool(needs_approval))


def _closed_by_another(form: ListClosure, ticket: str) -> Problem:
    if is_label(form.ticket) or not form.ticket:
        return (
            ('list',),
            f'the list {form.list} was closed by another request; expected a request '
            'of the person who had it closed, to change how it is',
        )
    return (
        ('ticket',),
        f'found {found(form.ticket)}, but {form.list} was closed by the request '
        f'{ticket}; expected that ticket, or none, to change how it is closed',
    )


def _deletion_note(deleted_at: datetime, target: Target) -> str:
    note = f'the list was deleted at {moment_as_text(deleted_at)}'
    if target.exists:
        note += f' and made anew since; {ANEW} closes it'
    return note


def _same_end(form: ListClosure, previous: ListClosure) -> bool:
    return (form.action, form.tell_members) == (previous.action, previous.tell_members)
