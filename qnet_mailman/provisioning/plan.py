# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done for a form: a comparison of plain values (R30).

Three states are compared: the form, the form of the same ticket as it was applied
last, and the list as it is.  A form that is applied again changes only what
differs between the two forms: what list administrators changed since, and
subscribers who left on their own, stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as Emails
from dataclasses import dataclass, field, replace
from typing import Literal

from qnet_mailman.forms.mistakes import Path
from qnet_mailman.forms.schema import (
    Approver,
    ListRequest,
    Person,
    Requester,
    Subscriber,
)
from qnet_mailman.forms.threshold_change import ThresholdChange
from qnet_mailman.lists.settings import Value
from qnet_mailman.model.requests import is_label
from qnet_mailman.provisioning import authority
from qnet_mailman.provisioning.looking import SHOWN, Running, Site, Target, Thresholds
from qnet_mailman.provisioning.steps import (
    Assign,
    Create,
    Set,
    Step,
    Subscribe,
    Unassign,
    counted,
)
from qnet_mailman.roles.people import Assignee, Role
from qnet_mailman.roles.rights import HARP_NAMES
from qnet_mailman.values import NOBODY, TO_FILL_IN, alternatives, found

KEPT = 'the form has changed and is kept; the list needs no change'
ANEW = 'a form with another ticket, or other words,'
"""What is no repetition of a form that was applied before (R30)."""


Problem = tuple[Path, str]


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    :ivar steps: In order; none if the list is as the form wants it.
    :ivar notes: What somebody who reads the plan should know.
    :ivar recorded: Whether this very form was applied before, so that there is
        not even a form to keep.
    :ivar approved: Whether it needed an operator who answers for it.
    :ivar adopts: Whether the list is there, but was not made by a form.
    """

    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    recorded: bool = False
    adopts: bool = False
    approved: bool = False

    @property
    def creates(self) -> bool:
        """Whether the list is new."""
        return any(isinstance(step, Create) for step in self.steps)

    @property
    def outcome(self) -> Literal['created', 'changed', 'unchanged']:
        """What becomes of the list by it."""
        if self.creates:
            return 'created'
        return 'changed' if self.steps else 'unchanged'


class PlanRefused(Exception):
    """A form that cannot be applied to what there is.

    :ivar problems: All reasons, each with the path in the form that it is about.
    """

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__('\n'.join(message for path, message in problems))
        self.problems = problems


@dataclass
class Draft:
    """A plan in the making."""

    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def plan(self, *, adopts: bool = False, approved: bool = False) -> Plan:
        """The plan as it is to be."""
        return Plan(
            tuple(self.steps), tuple(self.notes), adopts=adopts, approved=approved
        )


def make_plan(
    form: ListRequest,
    running: Running | None,
    site: Site,
    *,
    own_domain: str,
    approved: bool = False,
) -> Plan:
    """Compare a form with what there is.

    :param form: The form.
    :param running: The list that it names; None if there is none.
    :param site: What there is beside it.
    :param own_domain: The site's domain for lists, which is made if need be.
    :param approved: Whether an operator answers for a change of a list that is there.
    :return: What is to be done.
    :raises PlanRefused: if that cannot be.
    """
    previous = None if running is None else running.forms.get(form.ticket)
    if previous is not None and previous.digest() == form.digest():
        return Plan(recorded=True)
    if site.is_deleted:
        return Plan(
            notes=(f'the list was closed and deleted; {ANEW} makes it again',),
            recorded=True,
        )
    problems = [
        *_unfilled_errors(form),
        *_domain_errors(form, site, own_domain),
        *_list_errors(form, running, site, approved),
        *_ban_errors(form, running, previous, site),
        *_sublist_errors(form, running, previous, site),
    ]
    if problems:
        raise PlanRefused(problems)
    if running is None:
        plan = _creation(form, site)
    elif previous is None:
        plan = _adoption(form, running)
    else:
        plan = _difference(form, previous, running)
    needs_approval = running is not None and not running.is_authorized
    if needs_approval:
        note = authority.approval_note(form, [form.list.name])
        plan = replace(plan, notes=(note, *plan.notes), approved=True)
    return replace(plan, notes=(*plan.notes, *_waiting(plan, site)))


def _waiting(plan: Plan, site: Site) -> Iterator[str]:
    """Who is assigned now, and has no right yet (R25)."""
    for step in plan.steps:
        if isinstance(step, Assign) and (step.role, step.person.email) in site.waiting:
            yield (
                f'{step.person.email} waits for the HARP role {HARP_NAMES[step.role]}'
            )


def _unfilled_errors(form: ListRequest) -> Iterator[Problem]:
    if form.ticket == TO_FILL_IN:
        yield (
            ('ticket',),
            f'found "{TO_FILL_IN}", which stands for one that is still to be filled '
            'in; expected the ticket number of the request, or nothing',
        )
    people: tuple[tuple[Path, Requester | Approver | Person | None], ...] = (
        (('requester',), form.requester),
        (('approver',), form.approver),
        *((('administrators', n), each) for n, each in enumerate(form.administrators)),
    )
    for path, person in people:
        if person is not None and person.email.lower() == NOBODY:
            yield (
                (*path, 'email'),
                f'found "{NOBODY}", which stands for a person who is still to be '
                'filled in; expected the e-mail address of one',
            )


def _domain_errors(form: ListRequest, site: Site, own_domain: str) -> Iterator[Problem]:
    # A typing error must not make Mailman responsible for somebody else's domain.
    domain = form.list.name.partition('@')[2]
    known = sorted(site.domains | {own_domain})
    if domain not in known:
        yield (
            ('list', 'name'),
            f'found the domain "{domain}"; expected {alternatives(known)} '
            '(other domains are added in Postorius first)',
        )


def _list_errors(
    form: ListRequest, running: Running | None, site: Site, approved: bool
) -> Iterator[Problem]:
    path = ('list', 'name')
    if running is None:
        if site.clash:
            yield path, f'found {found(form.list.name)}, {site.clash}'
        return
    if running.forms and form.ticket not in running.forms:
        yield _made_by_another(form, running)
    elif running.is_closed:
        yield path, closed_problem(form.list.name)
    elif running.list_type is None:
        yield (
            path,
            f'the list {form.list.name} exists and was made without a QualityNet '
            'style; expected another name',
        )
    else:
        yield from _change_errors(form, running, approved)


def _made_by_another(form: ListRequest, running: Running) -> Problem:
    # Whoever has no ticket is not asked for one that they cannot have (R38).
    if is_label(form.ticket) or not form.ticket:
        return (
            ('list', 'name'),
            f'the list {form.list.name} exists and was made by another request; '
            'expected another name (an administrator-request or a threshold-change '
            'changes a list that is there)',
        )
    others = alternatives(sorted(running.forms))
    return (
        ('ticket',),
        f'found "{form.ticket}", but {form.list.name} was made by the request '
        f'{others}; expected another list name, or that ticket or none, to change the '
        'list',
    )


def _change_errors(
    form: ListRequest, running: Running, approved: bool
) -> Iterator[Problem]:
    """Why a list that is there is not changed."""
    assigned = {who for role, who in running.assignments if role is Role.administrator}
    yield from authority.another_request(form, running.forms.get(form.ticket), assigned)
    for key, wanted, there in (
        ('type', form.list.type, running.list_type),
        ('visibility', form.list.visibility, running.visibility),
    ):
        if wanted != there:
            yield (
                ('list', key),
                f'found {wanted}, but {form.list.name} exists and is {there}; the '
                f'{key} of a list cannot be changed by a form',
            )
    yield from authority.unauthorized(
        form, ('list', 'name'), form.list.name, running, approved=approved
    )


def closed_problem(address: str) -> str:
    """Why a form is not applied to a list that is closed."""
    return (
        f'the list {address} is closed; expected one that is open (see "mailman qnet '
        f'show {address}")'
    )


def _ban_errors(
    form: ListRequest, running: Running | None, previous: ListRequest | None, site: Site
) -> Iterator[Problem]:
    # Who is on the roster, or was asked for before, stays; see `_difference()`.
    assigned = set(running.assignments) if running else set()
    subscribers = (running.members if running else frozenset()) | _emails(previous)
    rosters: tuple[tuple[str, Iterable[Person | Subscriber], Emails[str]], ...] = (
        (
            'administrators',
            form.administrators,
            {email for role, email in assigned if role is Role.administrator},
        ),
        (
            'moderators',
            form.moderators,
            {email for role, email in assigned if role is Role.moderator},
        ),
        ('subscribers', form.subscribers, subscribers),
    )
    for roster, people, there in rosters:
        for place, person in enumerate(people):
            email = person.email.lower()
            if email in site.banned and email not in there:
                yield (
                    (roster, place, 'email'),
                    f'found {found(person.email)}, which is banned from this list or '
                    'site; expected nobody who is banned',
                )


def _sublist_errors(
    form: ListRequest, running: Running | None, previous: ListRequest | None, site: Site
) -> Iterator[Problem]:
    there = (running.members if running else frozenset()) | _emails(previous)
    for place, person in enumerate(form.subscribers):
        email = person.email.lower()
        if email in site.list_addresses and email not in there:
            yield (
                ('subscribers', place, 'email'),
                f'found {found(person.email)}, which is the address of a list; '
                'expected a person (an operator subscribes a list to another with '
                '"mailman qnet sublists add")',
            )


def _creation(form: ListRequest, site: Site) -> Plan:
    draft = Draft()
    draft.steps.append(
        Create(form.list.name, f'qnet-{form.list.type}-{form.list.visibility}')
    )
    draft.steps += [
        Set(key, None, new) for key, new in wanted(form).items() if new != ''
    ]
    draft.steps += [Assign(*key_person) for key_person in people_of(form).values()]
    if form.subscribers:
        draft.steps.append(Subscribe(form.subscribers))
        draft.notes.append('subscribers of a form get no welcome message')
    if site.other_lists:
        shown = ', '.join(site.other_lists[:SHOWN])
        more = ' and more' if len(site.other_lists) > SHOWN else ''
        draft.notes.append(f'the ticket {form.ticket} has also made {shown}{more}')
    return draft.plan()


def _adoption(form: ListRequest, running: Running) -> Plan:
    draft = Draft(
        notes=['the list exists and was not made by a form; it is taken over']
    )
    for key, new in wanted(form).items():
        set_field(draft, running, key, new)
    for who, (role, person) in people_of(form).items():
        _assign(draft, running, who, role, person)
    _subscribe(draft, running, form.subscribers)
    return draft.plan(adopts=True)


def _difference(form: ListRequest, previous: ListRequest, running: Running) -> Plan:
    draft = Draft()
    before = wanted(previous)
    for key, new in wanted(form).items():
        if before[key] != new:
            set_field(draft, running, key, new)
    people_before = people_of(previous)
    people = people_of(form)
    for who, (role, person) in people.items():
        if people_before.get(who) != (role, person):
            _assign(draft, running, who, role, person)
    for who in people_before:
        if who not in people and who in running.assignments:
            draft.steps.append(Unassign(*who))
    emails_before = _emails(previous)
    _subscribe(
        draft,
        running,
        tuple(
            person
            for person in form.subscribers
            if person.email.lower() not in emails_before
        ),
    )
    gone = sorted(emails_before - _emails(form))
    if gone:
        draft.notes.append(
            f'{counted(gone)} no longer in the form, and not unsubscribed: an '
            'administrator of the list does that'
        )
    if not draft.steps:
        draft.notes.append(KEPT)
    return draft.plan()


def missing_problem(address: str, now: Thresholds | Target) -> str | None:
    """Why a form cannot be about a list; None where it can.

    :param address: The list that the form names.
    :param now: What there is.
    """
    if not now.exists:
        hint = f' (did you mean {now.close}?)' if now.close else ''
        return f'found {found(address)}; expected a list that exists{hint}'
    if not now.is_ours:
        return (
            f'the list {address} was made without a QualityNet style; expected '
            'another list'
        )
    return None


def set_field(
    draft: Draft, running: Running | Thresholds, key: str, new: Value
) -> None:
    """Add the step that gives a setting its value, if it has another."""
    if running.settings[key] != new:
        draft.steps.append(Set(key, running.settings[key], new))


def _assign(
    draft: Draft,
    running: Running,
    key: tuple[Role, str],
    role: Role,
    person: Assignee,
) -> None:
    before = running.assignments.get(key)
    if not is_as_assigned(before, person):
        draft.steps.append(Assign(role, person, before))


def _subscribe(draft: Draft, running: Running, people: tuple[Subscriber, ...]) -> None:
    missing = tuple(
        person for person in people if person.email.lower() not in running.members
    )
    if missing:
        draft.steps.append(Subscribe(missing))


def is_as_assigned(there: Assignee | None, person: Assignee | None) -> bool:
    """Whether somebody is assigned as a form says.

    :param there: How they are assigned.
    :param person: How the form says it.  A form has no person without a name: the
        address stands for it.
    """
    if there is not None and not there.name:
        there = replace(there, name=there.email)
    return there == person


def people_of(form: ListRequest) -> dict[tuple[Role, str], tuple[Role, Assignee]]:
    """Whom a form assigns, by role and address in lower case."""
    rosters: tuple[tuple[Role, tuple[Person, ...]], ...] = (
        (Role.administrator, form.administrators),
        (Role.moderator, form.moderators),
    )
    return {
        (role, person.email.lower()): (
            role,
            Assignee(
                person.email.lower(), person.name, person.harp_id, person.may_post
            ),
        )
        for role, people in rosters
        for person in people
    }


def _emails(form: ListRequest | None) -> set[str]:
    return set() if form is None else {each.email.lower() for each in form.subscribers}


def wanted(form: ListRequest | ThresholdChange) -> dict[str, Value]:
    """The settings that a form asks for."""
    if isinstance(form, ThresholdChange):
        return form.bounces.model_dump(exclude_none=True)
    section = form.list
    return {
        'display_name': section.display_name,
        'description': section.description,
        'mask': str(section.mask),
        'replies': str(section.replies),
        'reply_to': section.reply_to,
        'threshold': section.bounces.threshold,
        'window_days': section.bounces.window_days,
    }
