# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling people about a list that a form made or changed (R24, R30, R34)."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from qnet_mailman import clock, site
from qnet_mailman.forms.administrator_request import AdministratorRequest
from qnet_mailman.forms.list_closure import ListClosure
from qnet_mailman.forms.schema import ListRequest, Person
from qnet_mailman.forms.threshold_change import ThresholdChange
from qnet_mailman.lists import settings
from qnet_mailman.lists.closing import look_at_closure
from qnet_mailman.lists.notices import CLOSED, _administrators
from qnet_mailman.lists.settings import FIELDS
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.finding import find_list
from qnet_mailman.model.lists import type_of
from qnet_mailman.model.requests import ticket_in_words
from qnet_mailman.provisioning.plan import (
    Plan,
)
from qnet_mailman.provisioning.steps import (
    Assign,
    OnList,
    Set,
    Unassign,
    in_words,
)
from qnet_mailman.roles.overview import assignments_as_dicts
from qnet_mailman.roles.people import Assignee, Role, assignments_of
from qnet_mailman.roles.rights import HARP_NAMES
from qnet_mailman.templates.sending import one_line, send
from qnet_mailman.values import Closing, ListType, Visibility

NEW_TO_REQUESTER = 'qnet:requester:notice:new-list'
NEW_TO_ADMINISTRATOR = 'qnet:admin:notice:new-list'
NEW_TO_MODERATOR = 'qnet:moderator:notice:new-list'
CHANGED = 'qnet:admin:notice:changed-list'
CHANGED_THRESHOLDS = 'qnet:admin:notice:changed-thresholds'
ASSIGNED = 'qnet:admin:notice:assigned'
CHANGED_ASSIGNMENTS = 'qnet:admin:notice:changed-assignments'

WIDTH = 76
"""Characters in a line (RFC 5322 section 2.1.1 asks for at most 78)."""

_KINDS = {
    ListType.notification: 'notification list (one-way)',
    ListType.discussion: 'discussion list',
}
_JOINING = {
    Visibility.public: 'anybody can sign up and confirms by e-mail',
    Visibility.private: 'an administrator of the list approves each sign-up',
}
_ARTICLES = {
    Role.administrator: 'an administrator',
    Role.moderator: 'a moderator',
}


def send_all(mlist: Mlist, form: ListRequest, plan: Plan) -> None:
    """Tell everybody concerned.

    A plan that made the list or took it over tells all; one that was recorded
    before completes what an interrupted run did not send, and so does too.
    Otherwise the administrators get the differences, and who is new gets their
    next steps.
    """
    if plan.creates or plan.adopts or plan.recorded:
        _tell_new(mlist, form, Role.administrator, form.administrators)
        _tell_new(mlist, form, Role.moderator, form.moderators)
        _tell_requester(mlist, form)
        return
    new = {
        (step.role, step.person.email)
        for step in plan.steps
        if isinstance(step, Assign) and step.before is None
    }
    for role, people in (
        (Role.administrator, form.administrators),
        (Role.moderator, form.moderators),
    ):
        _tell_new(
            mlist,
            form,
            role,
            [person for person in people if (role, person.email.lower()) in new],
        )
    if plan.steps:
        lines = [_item(in_words(step)) for step in plan.steps]
        lines += ['\n' + textwrap.fill(f'Note: {note}.', WIDTH) for note in plan.notes]
        for person in form.administrators:
            if (Role.administrator, person.email.lower()) not in new:
                _tell(
                    mlist,
                    form,
                    CHANGED,
                    f'The mailing list {mlist.display_name} has been changed',
                    person.name,
                    person.email,
                    changes='\n'.join(lines),
                )


def send_threshold_change(mlist: Mlist, form: ThresholdChange, plan: Plan) -> None:
    """Tell the requester, and the list's administrators where anything changed.

    A plan that was recorded before completes what an interrupted run did not
    send; what the settings were before is not known then.
    """
    before = {step.field: step.old for step in plan.steps if isinstance(step, Set)}
    now = settings.current(mlist)
    list_type = type_of(mlist)

    def words(key: str) -> str:
        return FIELDS[key].words(now[key], list_type)

    rows = []
    for key in ('threshold', 'window_days'):
        old = before.get(key)
        was = '' if old is None else f' (before: {FIELDS[key].words(old, list_type)})'
        rows.append(_row(FIELDS[key].label, f'{words(key)}{was}'))
    changed = bool(before) or plan.recorded
    what = (
        'The bounce settings of this mailing list have been changed to'
        if changed
        else 'The bounce settings of this mailing list needed no change. They are'
    )
    people = {form.requester.email.lower(): form.requester.name}
    if changed:
        people = _administrators(mlist) | people
    for email, name in people.items():
        send(
            mlist,
            email,
            CHANGED_THRESHOLDS,
            f'Bounce settings of the mailing list {mlist.display_name}',
            {
                'name': one_line(name),
                'what': textwrap.fill(what, WIDTH),
                'changes': '\n'.join(rows),
                'threshold': words('threshold'),
                'window_days': words('window_days'),
                'ticket': ticket_in_words(form.ticket),
                'requester': one_line(form.requester.name),
                'reason': _reason(form),
            },
        )


def send_assignments(form: AdministratorRequest, plan: Plan) -> None:
    """Tell the person, the requester, and the other administrators of each list.

    Everybody gets one message, about the lists that concern them.  A plan that was
    recorded before completes what an interrupted run did not send.
    """
    steps = {
        address: [
            step.step
            for step in plan.steps
            if isinstance(step, OnList) and step.address == address
        ]
        for address in dict.fromkeys(
            (*form.lists, *(s.address for s in plan.steps if isinstance(s, OnList)))
        )
    }
    if plan.recorded:
        steps = {address: [_target_step(form)] for address in form.lists}
    lists = {address: find_list(address) for address in steps}
    told = ''
    if any(isinstance(each, Assign) for some in steps.values() for each in some):
        told = form.person.email.lower()
        _tell_assigned(form, [lists[address] for address in form.lists])
    concerned: dict[str, tuple[str, list[str]]] = {}
    requester = form.requester.email.lower()
    for address, some in steps.items():
        people = _administrators(lists[address]) if some else {}
        people |= {
            step.email: form.person.name for step in some if isinstance(step, Unassign)
        }
        for email, name in (people | {requester: form.requester.name}).items():
            concerned.setdefault(email, (name, []))[1].append(address)
    for email, (name, addresses) in concerned.items():
        if email == told:
            continue
        changes = [
            _item(f'{in_words(step)}: {address}')
            for address in addresses
            for step in steps[address]
        ]
        send(
            lists[addresses[0]],
            email,
            CHANGED_ASSIGNMENTS,
            f'Who looks after {_lists_in_words(lists[each] for each in addresses)}',
            {
                'name': one_line(name),
                'changes': '\n'.join(changes) or '  Nothing: it was so already.',
                'ticket': ticket_in_words(form.ticket),
                'requester': one_line(form.requester.name),
                'reason': _reason(form),
            },
        )


def _target_step(form: AdministratorRequest) -> Assign:
    person = form.person
    assignee = Assignee(
        person.email.lower(), person.name, person.harp_id, form.may_post
    )
    return Assign(form.role, assignee)


def _lists_in_words(lists: Iterable[Any]) -> str:
    names = [mlist.display_name for mlist in lists]
    return names[0] if len(names) == 1 else f'{len(names)} mailing lists'


def _tell_assigned(form: AdministratorRequest, lists: list[Any]) -> None:
    email = form.person.email.lower()
    has_role = any(
        each['email'] == email and each['right'] == form.role.value
        for each in assignments_as_dicts(assignments_of(lists[0], form.role))
    )
    send(
        lists[0],
        form.person.email,
        ASSIGNED,
        f'You are {_ARTICLES[form.role]} of {_lists_in_words(lists)}',
        {
            'name': one_line(form.person.name),
            'role': _ARTICLES[form.role],
            'lists': '\n'.join(
                f'  {one_line(mlist.display_name)} <{mlist.fqdn_listname}>'
                for mlist in lists
            ),
            'posting': (
                'You have posting privileges: you can send messages to the subscribers.'
                if form.may_post
                else 'You do not have posting privileges on these lists.'
            ),
            'harp': _harp(form.role, has_role),
            'ticket': ticket_in_words(form.ticket),
            'requester': one_line(form.requester.name),
            'reason': _reason(form),
        },
    )


def send_closure(mlist: Mlist, form: ListClosure, plan: Plan) -> None:
    """Tell the requester and the administrators of a list that it is closed.

    Where nothing was changed, the form's words were: nobody has to know.
    """
    closure = look_at_closure(mlist)
    if closure is None or not (plan.steps or plan.recorded):
        return
    people = _administrators(mlist) | {
        form.requester.email.lower(): form.requester.name
    }
    for email, name in people.items():
        send(
            mlist,
            email,
            CLOSED,
            f'The mailing list {mlist.display_name} is closed',
            {
                'name': one_line(name),
                'until': clock.in_words(closure.undo_until),
                'after': _AFTER[closure.action],
                'members': _MEMBERS[form.tell_members],
                'ticket': ticket_in_words(form.ticket),
                'requester': one_line(form.requester.name),
                'reason': _reason(form),
            },
        )


_AFTER = {
    Closing.archive: 'After that it stays closed. Whoever could read its archive '
    'still can.',
    Closing.delete: 'After that the list is deleted for good, with its members and '
    'settings.',
}
_MEMBERS = {
    True: 'The members are told that the list is closed.',
    False: 'The members are not told.',
}


def _reason(form: ThresholdChange | AdministratorRequest | ListClosure) -> str:
    if not form.reason:
        return ''
    return '\n' + textwrap.fill(
        form.reason,
        WIDTH,
        initial_indent='Reason    ',
        subsequent_indent=' ' * 10,
        break_on_hyphens=False,
    )


def _tell_new(
    mlist: Mlist,
    form: ListRequest,
    role: Role,
    people: list[Person] | tuple[Person, ...],
) -> None:
    if not people:
        return
    template = NEW_TO_ADMINISTRATOR if role is Role.administrator else NEW_TO_MODERATOR
    have_role = {
        each['email']
        for each in assignments_as_dicts(assignments_of(mlist, role))
        if each['right'] == role.value
    }
    for person in people:
        _tell(
            mlist,
            form,
            template,
            f'You are {_ARTICLES[role]} of the mailing list {mlist.display_name}',
            person.name,
            person.email,
            posting=(
                'You have posting privileges: you can send messages to the '
                f'subscribers at\n\n  {mlist.fqdn_listname}'
                if person.may_post
                else 'You do not have posting privileges on this list.'
            ),
            harp=_harp(role, person.email.lower() in have_role),
        )


def _tell_requester(mlist: Mlist, form: ListRequest) -> None:
    told = {person.email.lower() for person in form.administrators}
    for person in (form.requester, form.approver):
        if person is not None and person.email.lower() not in told:
            told.add(person.email.lower())
            _tell(
                mlist,
                form,
                NEW_TO_REQUESTER,
                f'The mailing list {mlist.display_name} has been set up',
                person.name,
                person.email,
            )


def _tell(
    mlist: Mlist,
    form: ListRequest,
    template: str,
    subject: str,
    name: str,
    email: str,
    **more: str,
) -> None:
    send(
        mlist,
        email,
        template,
        subject,
        {
            'name': one_line(name),
            'ticket': ticket_in_words(form.ticket),
            'settings': '\n'.join(_settings(mlist, form)),
            'addresses': '\n'.join(_addresses(mlist, form)),
            'people': '\n'.join(_people(form)),
            **more,
        },
    )


def _settings(mlist: Mlist, form: ListRequest) -> Iterator[str]:
    list_type = ListType(form.list.type)
    visibility = Visibility(form.list.visibility)
    yield _row('Kind', f'{visibility} {_KINDS[list_type]}')
    yield _row('Joining', _JOINING[visibility])
    for key, value in settings.current(mlist).items():
        if value != '':
            yield _row(FIELDS[key].label, FIELDS[key].words(value, list_type))


def _addresses(mlist: Mlist, form: ListRequest) -> Iterator[str]:
    posting = (
        'messages to the subscribers (people with posting privileges)'
        if form.list.type == ListType.notification
        else 'messages to the subscribers'
    )
    for address, use in (
        (mlist.fqdn_listname, posting),
        (mlist.owner_address, 'questions to the administrators'),
        (
            mlist.leave_address,
            'whoever writes to it leaves the list, after a confirmation',
        ),
    ):
        yield f'  {address}\n      {use}'


def _people(form: ListRequest) -> Iterator[str]:
    for role, people in (
        (Role.administrator, form.administrators),
        (Role.moderator, form.moderators),
    ):
        for person in people:
            posting = ', with posting privileges' if person.may_post else ''
            who = f'{person.name} <{person.email}>{posting}'
            yield _row(role.value.capitalize(), who)


def _harp(role: Role, has_role: bool) -> str:
    """What to do in HARP; until the role is there, an assignment waits (R25)."""
    url = site.settings().web_url
    if has_role:
        lines = [f'You have the HARP role {HARP_NAMES[role]}.']
        if url is not None:
            lines = [f'{lines[0]} Sign in with HARP to look after', '     the list:']
            lines += ['', '     Sign in:', f'     {url}']
        return '\n'.join(lines)
    lines = [
        'Request this role in HARP. You can look after the list, and use',
        '     posting privileges, once it is approved:',
        '',
        '     Program:       QualityNet Workspace',
        '     Organization:  QualityNet Mailer',
        f'     Role:          {HARP_NAMES[role]}',
    ]
    if url is not None:
        lines += [
            '',
            '  2. Once the role is approved, sign in with HARP to look after the list:',
            '',
            '     Sign in:',
            f'     {url}',
        ]
    return '\n'.join(lines)


def _row(label: str, text: str) -> str:
    return textwrap.fill(
        f'{label + ":":<18}{text}',
        WIDTH,
        initial_indent='  ',
        subsequent_indent=' ' * 20,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _item(text: str) -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent='  * ',
        subsequent_indent='    ',
        break_long_words=False,
        break_on_hyphens=False,
    )
