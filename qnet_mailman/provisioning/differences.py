# SPDX-License-Identifier: GPL-3.0-or-later
"""How the lists that there are differ from a folder of forms.  Reads, and no more."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from mailman.config import config
from sqlalchemy import select

from qnet_mailman.forms import plain
from qnet_mailman.forms.batch import COULD_NOT_RUN, INVALID, result_lines
from qnet_mailman.forms.kept import Loaded
from qnet_mailman.forms.list_closure import ListClosure
from qnet_mailman.forms.mistakes import FormInvalid
from qnet_mailman.forms.schema import ListRequest
from qnet_mailman.lists.settings import Value, current
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.base import store
from qnet_mailman.model.closures import closure_of
from qnet_mailman.model.finding import find_list
from qnet_mailman.model.lists import QNetList, row_of
from qnet_mailman.provisioning import plan
from qnet_mailman.provisioning.looking import assignments_by_role
from qnet_mailman.provisioning.plan import is_as_assigned, people_of
from qnet_mailman.roles.people import Assignee
from qnet_mailman.values import Closing, found, list_id_of

Kind = Literal['same', 'differs', 'no list', 'no form', 'skipped', 'invalid']
_SUM: dict[Kind, str] = {
    'same': 'as the form says',
    'differs': 'different',
    'no list': 'without a list',
    'no form': 'without a form',
    'invalid': 'invalid',
    'skipped': 'skipped',
}
CLOSED = 'closed'
_SAYS = {
    'no list': 'there is a form for it and no list',
    'no form': 'there is a list and no form for it',
}


@dataclass(frozen=True)
class Difference:
    """One thing that is other than the form says.

    :ivar what: A setting, or the role and address of a person.
    :ivar form: What the form says; None if nothing.
    :ivar list: What the list has; None if nothing.
    """

    what: str
    form: Value | None
    list: Value | None

    def __str__(self) -> str:
        return f'{self.what}: {_words(self.list)}; the form has {_words(self.form)}'


def _words(value: Value | None) -> str:
    return 'nothing' if value is None else found(value)


@dataclass(frozen=True)
class Found:
    """What a form and a list are to each other.

    :ivar file: Where the form is; empty where there is none.
    """

    kind: Kind
    file: str = ''
    list_address: str = ''
    differences: tuple[Difference, ...] = ()
    errors: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()

    def as_json(self) -> str:
        """A line of JSON."""
        return json.dumps(
            {
                'file': self.file,
                'list': self.list_address,
                'result': self.kind,
                'differences': [vars(each) for each in self.differences],
                'notes': list(self.notes),
                'errors': list(self.errors),
            }
        )

    def lines(self) -> list[str]:
        """Lines to print; none where nothing differs."""
        if self.kind == 'same':
            return []
        if self.kind == 'no form':
            return [f'{self.list_address}: {_SAYS[self.kind]}']
        says = _SAYS.get(self.kind, self.kind)
        changes = [{'text': str(each)} for each in self.differences]
        return result_lines(
            self.file,
            {
                'list': self.list_address,
                'ticket': '',
                'result': says,
                'changes': changes,
                'notes': self.notes,
                'errors': self.errors,
            },
        )


@dataclass
class Comparison:
    """Goes through forms and then through the lists that are left.

    :ivar found: What was found, in this order.
    """

    found: list[Found] = field(default_factory=list)
    _closings: dict[str, Closing] = field(default_factory=dict)

    def look_at(self, name: str, loaded: Loaded | FormInvalid) -> None:
        """Compare a form with its list.

        :param name: Where the form is.
        :param loaded: The form.
        """
        if isinstance(loaded, Loaded) and isinstance(loaded.form, ListClosure):
            self._closings[loaded.form.list] = loaded.form.action
        self.found.append(_compared(name, loaded))
        # Nothing is kept in the session from list to list.
        config.db.abort()

    def heed_closures(self) -> None:
        """Let the requests for lists be as the forms that close them say."""
        self.found = [
            _unless_closed(each, self._closings.get(each.list_address))
            for each in self.found
        ]

    def look_for_more(self) -> None:
        """Find the lists with a style of ours that no form is about."""
        known = {
            list_id_of(each.list_address)
            for each in self.found
            if each.kind not in ('skipped', 'invalid')
        }
        query = select(QNetList.list_id).order_by(QNetList.list_id)
        for list_id in list(store().scalars(query)):
            if list_id not in known:
                mlist = find_list(list_id)
                address = list_id if mlist is None else mlist.fqdn_listname
                self.found.append(Found('no form', list_address=address))
        config.db.abort()

    def summary(self) -> list[str]:
        """Lines about all of it."""
        counts = Counter(each.kind for each in self.found)
        return [
            f'{counts[kind]:>8}  {words}'
            for kind, words in _SUM.items()
            if counts[kind]
        ]

    @property
    def status(self) -> int:
        """The exit status: 0 no difference, 1 differences, 2 not all was compared."""
        kinds = {each.kind for each in self.found}
        if 'invalid' in kinds:
            return COULD_NOT_RUN
        return INVALID if kinds & {'differs', 'no list', 'no form'} else 0


def _compared(name: str, loaded: Loaded | FormInvalid) -> Found:
    if isinstance(loaded, FormInvalid):
        errors = tuple(plain.as_dict(error) for error in loaded.errors)
        return Found('invalid', name, errors=errors)
    form = loaded.form
    if isinstance(form, ListClosure):
        return _compared_closure(name, form)
    if not isinstance(form, ListRequest):
        note = 'only a list-request or list-closure says how a list is to be'
        return Found('skipped', name, form.list_address, notes=(note,))
    mlist = find_list(form.list.name)
    if mlist is None:
        return Found('no list', name, form.list.name)
    differences = tuple(_differences(form, mlist))
    kind: Kind = 'differs' if differences else 'same'
    return Found(kind, name, form.list.name, differences)


def _compared_closure(name: str, form: ListClosure) -> Found:
    mlist = find_list(form.list)
    if mlist is None:
        # Whoever closed it to delete it has what they wanted.
        kind: Kind = 'same' if form.action is Closing.delete else 'no list'
        return Found(kind, name, form.list)
    closure = closure_of(mlist.list_id)
    there = None if closure is None else closure.action
    if there == form.action:
        return Found('same', name, form.list)
    difference = Difference(CLOSED, form.action.value, there)
    return Found('differs', name, form.list, (difference,))


def _unless_closed(about: Found, closing: Closing | None) -> Found:
    """What was found about a list-request, in view of the form that closes the list."""
    if about.kind == 'no list' and closing is Closing.delete:
        return replace(about, kind='same')
    expected = Difference(CLOSED, None, closing)
    if closing is None or expected not in about.differences:
        return about
    left = tuple(each for each in about.differences if each != expected)
    return replace(about, kind='differs' if left else 'same', differences=left)


def _differences(form: ListRequest, mlist: Mlist) -> Iterator[Difference]:
    row = row_of(mlist)
    kinds: tuple[tuple[str, Value, Value | None], ...] = (
        ('type', form.list.type.value, None if row is None else row.list_type),
        (
            'visibility',
            form.list.visibility.value,
            None if row is None else row.visibility,
        ),
    )
    settings = current(mlist)
    wanted = plan.wanted(form).items()
    for key, new, now in (*kinds, *((key, new, settings[key]) for key, new in wanted)):
        if new != now:
            yield Difference(key, new, now)
    closure = closure_of(mlist.list_id)
    if closure is not None:
        yield Difference(CLOSED, None, closure.action)
    there = assignments_by_role(mlist)
    asked = {who: person for who, (role, person) in people_of(form).items()}
    for role, email in sorted(there.keys() | asked.keys()):
        before, after = there.get((role, email)), asked.get((role, email))
        if not is_as_assigned(before, after):
            what = f'{role.value} {email}'
            yield Difference(what, _as_text(after), _as_text(before))


def _as_text(person: Assignee | None) -> str | None:
    if person is None:
        return None
    harp = f', HARP ID {person.harp_id}' if person.harp_id else ''
    return person.name + harp + (', may post' if person.may_post else '')
