# SPDX-License-Identifier: GPL-3.0-or-later
"""``django-admin operator add|remove|list``: who may do everything on the web.

An ID is written as in forms: ``pexample``, or ``eua:ab12`` for a provider with another
key than ``harp``.  Exit status 1: nothing was changed, or, for ``remove``, the audit
log does not have it.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from qnet_mailman.web.core import CoreUnavailable
from qnet_mailman.web.harp.config import providers
from qnet_mailman.web.harp.operators import (
    UnknownPerson,
    appoint,
    dismiss,
    operators,
    person_of,
)
from qnet_mailman.web.harp.session import Identity

#: What is said, by what was asked for and whether that changed anything.
DONE = {
    ('add', True): 'an operator now',
    ('add', False): 'an operator already',
    ('remove', True): 'no operator any more',
    ('remove', False): 'was no operator',
}


class Command(BaseCommand):
    """Look at the operators, or change who is one."""

    help = 'Operators of the web side: people who have signed in through a provider.'

    def add_arguments(self, parser: CommandParser) -> None:
        """See the module."""
        parser.add_argument('what', choices=['add', 'remove', 'list'])
        parser.add_argument('ids', nargs='*', metavar='ID', help='pexample, eua:ab12')

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it.

        :raises CommandError: where it was not done, or not written down.
        """
        what, ids = options['what'], options['ids']
        if what == 'list':
            for person in operators():
                lost = '' if person.provider in providers() else '  (no such provider)'
                self.stdout.write(f'{person}  {person.name} <{person.email}>{lost}')
            return
        if not ids:
            raise CommandError('name the person: pexample, or eua:ab12')
        # All are known, or nobody is changed.
        people = [self._find(text) for text in ids]
        for person in people:
            self._change(what, person)

    def _find(self, text: str) -> Any:
        who = Identity.written(text)
        if who.provider not in providers():
            raise CommandError(f'{text}: there is no provider {who.provider!r} here')
        try:
            return person_of(who)
        except UnknownPerson:
            raise CommandError(
                f'{text}: nobody with this ID has signed in through '
                f'{providers()[who.provider].name}; they must do so first'
            ) from None

    def _change(self, what: str, person: Any) -> None:
        try:
            changed = appoint(person) if what == 'add' else dismiss(person)
        except CoreUnavailable:
            raise CommandError(
                f'{person}: not changed, because Mailman core does not answer'
                if what == 'add'
                else f'{person}: no operator any more, but Mailman core does not '
                'answer: this is not in the audit log'
            ) from None
        self.stdout.write(f'{person}: {DONE[what, changed]}')
