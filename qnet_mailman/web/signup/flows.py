# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a request to join, and to the answer to a confirmation (R11-R13)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from django.conf import settings
from django.http import QueryDict

from qnet_mailman.web import core
from qnet_mailman.web.signup.addresses import mistake_in, tidy
from qnet_mailman.web.signup.slips import suggestion_for

#: The field that people never see: only programs fill it in.
TRAP = 'message'
MAX_NAME_LENGTH = 200


@dataclass(frozen=True)
class Typed:
    """What somebody typed and ticked.

    :ivar chosen: List ids, as they came: they may be anything.
    :ivar search: The words to search for.
    :ivar searched: The words of the search whose result the page showed.
    :ivar button: The button that was pressed; empty for the Enter key.
    :ivar sure: The address that somebody was asked about already (see `look_at`).
    :ivar trapped: Whether the field was filled in that people never see.
    """

    address: str = ''
    display_name: str = ''
    chosen: tuple[str, ...] = ()
    search: str = ''
    searched: str = ''
    button: str = ''
    sure: str = ''
    trapped: bool = False

    @classmethod
    def in_form(cls, data: QueryDict) -> Typed:
        """What a form says.

        :param data: Its fields.
        """
        name = ''.join(c if c.isprintable() else ' ' for c in data.get('name', ''))
        return cls(
            # The button of a suggestion has the address that it suggests.
            tidy(data.get('suggested') or data.get('address', '')),
            ' '.join(name.split())[:MAX_NAME_LENGTH],
            tuple(dict.fromkeys(data.getlist('lists'))),
            ' '.join(data.get('search', '').split()),
            data.get('searched', ''),
            'sign-up' if data.get('suggested') else data.get('button', ''),
            data.get('sure', ''),
            bool(data.get(TRAP)),
        )

    @property
    def is_search(self) -> bool:
        """Whether the form was sent to search.

        The Enter key sends the form from any of its fields; it searches where
        the words are other ones than before.
        """
        return self.button == 'search' or (
            not self.button and self.search != self.searched
        )


class Outcome(Enum):
    """What became of a request to join; the value is the page's HTTP status.

    400 where something must be corrected: the request did nothing, and logs,
    caches and programs should know.
    """

    TAKEN = 303
    MISTAKEN = 400
    TOO_OFTEN = 429
    UNAVAILABLE = 503


@dataclass(frozen=True)
class Requested:
    """What became of a request to join.

    :ivar mistakes: What to correct, by field: ``address`` or ``lists``.
    :ivar suggestion: The address that was meant, perhaps.
    """

    outcome: Outcome
    mistakes: Mapping[str, str] = field(default_factory=dict)
    suggestion: str = ''


def mistakes_in(typed: Typed, offered: Collection[str]) -> dict[str, str]:
    """What has to be corrected before core is asked, in the order of the page.

    :param typed: What was typed.
    :param offered: The ids of the lists on offer.
    """
    mistakes = {}
    if not typed.chosen:
        mistakes['lists'] = 'Choose at least one list.'
    elif not set(typed.chosen) <= set(offered):
        mistakes['lists'] = (
            'A list that you chose is not offered any more. Look at your choice again.'
        )
    mistake = mistake_in(typed.address)
    if mistake:
        mistakes['address'] = mistake
    return mistakes


def look_at(typed: Typed, offered: Collection[str]) -> Requested | None:
    """What has to be corrected, or looked at once more, before core is asked.

    Whoever sends an address again that looks like a slip means it.

    :param typed: What was typed.
    :param offered: The ids of the lists on offer.
    :return: None where there is nothing.
    """
    mistakes = mistakes_in(typed, offered)
    suggestion = ''
    if 'address' not in mistakes and typed.sure != typed.address:
        suggestion = suggestion_for(typed.address, settings.SIGNUP_DOMAINS)
    if suggestion:
        mistakes['address'] = (
            f'Did you mean {suggestion}? If {typed.address} is right, press “Sign up” '
            'once more.'
        )
    return Requested(Outcome.MISTAKEN, mistakes, suggestion) if mistakes else None


def request(typed: Typed, client: str) -> Requested:
    """Hand a request to core.

    Core's answer does not depend on whether the address is known (R13).

    :param typed: What was typed.
    :param client: The client's IP address.
    """
    fields = {
        'address': typed.address,
        'display_name': typed.display_name,
        'lists': typed.chosen,
        'client': client,
    }
    try:
        answer = core.post('signup', fields)
    except core.CoreUnavailable:
        return Requested(Outcome.UNAVAILABLE)
    if answer.status == 429:
        return Requested(Outcome.TOO_OFTEN)
    if answer.status != 400:
        return Requested(Outcome.TAKEN if answer.status == 202 else Outcome.UNAVAILABLE)
    errors = answer.fields.get('errors')
    known = errors if isinstance(errors, dict) else {}
    mistakes = {
        name: str(known[name]) for name in ('lists', 'address') if known.get(name)
    }
    return Requested(
        Outcome.MISTAKEN,
        mistakes or {'address': 'Check the e-mail address: we cannot send to it.'},
    )


class Answered(Enum):
    """What a link in a message is good for; the value is the page's HTTP status."""

    KNOWN = 200
    UNKNOWN = 404
    USED = 410
    UNAVAILABLE = 503


@dataclass(frozen=True)
class OneList:
    """A list that a confirmation is about.

    :ivar outcome: What became of it, in core's words; empty before.
    """

    name: str
    posting_address: str
    visibility: str
    outcome: str


@dataclass(frozen=True)
class Confirmation:
    """What core says of a link.

    :ivar kind: ``sign-up``, ``subscription``, ``invitation`` or ``unsubscription``.
    :ivar address: Whom it is about.
    """

    answered: Answered
    kind: str = ''
    address: str = ''
    lists: tuple[OneList, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether somebody else decides before anything happens."""
        return any(one.outcome == 'waiting' for one in self.lists)


def describe(token: str) -> Confirmation:
    """What the link would confirm.

    :param token: The token in the link.
    """
    return _ask('confirmations/describe', token)


def confirm(token: str) -> Confirmation:
    """Confirm it.

    :param token: The token in the link.
    """
    return _ask('confirmations/confirm', token)


def ask_about_link(path: str, token: str) -> tuple[Answered, Mapping[str, Any]]:
    """What core says of the token in a link, and the fields of its answer.

    :param path: The resource below ``plugins/qnet/``.
    :param token: The token.
    """
    try:
        answer = core.post_token(path, token)
    except core.CoreUnavailable:
        return Answered.UNAVAILABLE, {}
    if answer.status == 410:
        return Answered.USED, {}
    if answer.status != 200:
        return Answered.UNKNOWN, {}
    return Answered.KNOWN, answer.fields


def _ask(path: str, token: str) -> Confirmation:
    answered, fields = ask_about_link(path, token)
    if answered is not Answered.KNOWN:
        return Confirmation(answered)
    return Confirmation(
        answered,
        fields['kind'],
        fields['address'],
        tuple(
            OneList(
                entry['display_name'] or entry['fqdn_listname'],
                entry['fqdn_listname'],
                entry['visibility'],
                entry.get('outcome', ''),
            )
            for entry in fields['lists']
        ),
    )
