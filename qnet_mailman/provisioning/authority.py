# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the person behind a form may ask for what it changes (R25, R30).

A list that is there is changed for a requester who administers it now; for any other
an operator has to answer.  Whose ticket it is says who asked first: the same ticket
with other people is another request, and overwrites nobody, whoever approves it.

What is refused is told to whoever sent the form.  So it names nobody whom the form
does not name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Protocol

from qnet_mailman.forms.mistakes import Path
from qnet_mailman.forms.schema import Form, ListRequest
from qnet_mailman.roles.rights import HARP_NAMES, Role
from qnet_mailman.values import found


class Place(Protocol):
    """A list as a plan sees it."""

    @property
    def is_authorized(self) -> bool:
        """Whether the form's requester administers it now."""


def no_authority(form: Form, address: str) -> str:
    """Why a form is not applied to a list without an operator."""
    return (
        f'{form.requester.email} does not administer {address} now; expected a request '
        'of one of its administrators (assigned, and with the HARP role '
        f'{HARP_NAMES[Role.administrator]}), or an operator who answers for it with '
        '--approve'
    )


def approval_note(form: Form, addresses: Sequence[str]) -> str:
    """What is said where an operator answers for a form."""
    return (
        f'{form.requester.email} does not administer {", ".join(addresses)} now; '
        'the operator answers for it (--approve)'
    )


def unauthorized(
    form: Form, path: Path, address: str, place: Place, *, approved: bool
) -> Iterator[tuple[Path, str]]:
    """What is wrong with the requester of a form about one list.

    :param path: Where the form names the list.
    :param approved: Whether an operator answers for it.
    """
    if not place.is_authorized and not approved:
        yield path, no_authority(form, address)


def another_request(
    form: ListRequest, previous: ListRequest | None, assigned: Collection[str]
) -> Iterator[tuple[Path, str]]:
    """What tells that a form has the ticket of somebody else's request.

    :param previous: The form of the same ticket as it was applied last.
    :param assigned: The addresses of who is assigned as an administrator now.
    """
    if previous is None:
        return
    yield from another_requester(form, previous)
    known = _emails(previous.administrators) | set(assigned)
    if not _emails(form.administrators) & known:
        yield (
            ('administrators',),
            'nobody who administers the list is left, so '
            'this is another request; expected at least one of them (an '
            'administrator-request replaces people)',
        )


def another_requester(form: Form, previous: Form) -> Iterator[tuple[Path, str]]:
    """What is said where a ticket is that of another person."""
    if form.requester.email.lower() != previous.requester.email.lower():
        yield (
            ('ticket',),
            f'found {found(form.ticket)}, which is the ticket of another request, of '
            'another person; expected a ticket of its own, or none',
        )


def _emails(people: Iterable[Any]) -> set[str]:
    return {person.email.lower() for person in people}
