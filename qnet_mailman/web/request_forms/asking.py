# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a form that is filled in on the web (R13, R29, R38).

Core says what is wrong with it, takes it, and knows what a link in a mail stands for.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest

from qnet_mailman.web import core
from qnet_mailman.web.harp.session import DEFAULT_PROVIDER, identity, provider_session
from qnet_mailman.web.request_forms.answers import FILE, as_form, field_of
from qnet_mailman.web.request_forms.drafts import Draft
from qnet_mailman.web.request_forms.questions import Form
from qnet_mailman.web.request_forms.steps import SUBSCRIBERS
from qnet_mailman.web.signup.client import client_address
from qnet_mailman.web.signup.flows import Answered, ask_about_link

#: Mistakes that a page shows; a file with more is to be corrected as a whole.
MAX_SHOWN = 25


class Outcome(Enum):
    """What became of what was sent; the value is the page's HTTP status."""

    GOOD = 200
    MISTAKEN = 400
    TOO_LARGE = 413
    TOO_OFTEN = 429
    UNAVAILABLE = 503


@dataclass(frozen=True)
class Mistake:
    """Something to correct.

    :ivar path: Its place in the form; empty for the form as a whole.
    :ivar remedy: What to do, beside the label of its field.
    :ivar words: The same with the label.
    """

    path: tuple[str | int, ...]
    remedy: str
    words: str

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Mistake:
        """What core says of one."""
        remedy, words = (_for_people(fields[key]) for key in ('remedy', 'words'))
        return cls(tuple(fields['path']), remedy, words)


#: What core says of what is dear to read, whatever it is.
_TOO_DEAR = 'takes more than '


def _for_people(words: str) -> str:
    # Whoever fills in a page has no settings.
    if words.casefold().startswith(_TOO_DEAR):
        return 'There are too many subscribers to be read at once. Send fewer.'
    words = re.sub(r' \([\w ]+ (?:in|of) qnet\.cfg\)', '', words)
    words = words.replace(f'he file "{FILE}"', 'he list of subscribers')
    return words.replace(f'{FILE} line', 'line')


@dataclass(frozen=True)
class Looked:
    """What core says of answers.

    :ivar mistakes: All of them, whichever page they are on.
    """

    outcome: Outcome
    mistakes: tuple[Mistake, ...] = ()

    def at(self, fields: Iterable[str]) -> dict[str, list[Mistake]]:
        """The mistakes of a page, by field."""
        found: dict[str, list[Mistake]] = {}
        known = list(fields)
        for mistake in self.mistakes:
            field = field_of(mistake.path, known)
            if field is None and not mistake.path and SUBSCRIBERS in known:
                # What is told of a form as a whole is that it has too much in it.
                field = SUBSCRIBERS
            if field is not None:
                found.setdefault(field, []).append(mistake)
        return found


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in through a provider.

    :ivar email: The address that the provider vouches for.
    :ivar harp_id: The ID as forms write it.
    """

    name: str
    email: str
    harp_id: str


def person(request: HttpRequest) -> Person | None:
    """Who asks; None where that is not known.

    A local password shows nothing that counts (R27).

    :param request: The request.
    """
    who = identity(request)
    session = provider_session(request)
    if who is None or session is None:
        return None
    before = '' if who.provider == DEFAULT_PROVIDER else f'{who.provider}:'
    return Person(session.person.name, session.person.email, before + who.user_id)


def known_of(someone: Person | None, kind: str) -> dict[str, str]:
    """The answers that somebody need not give.

    :param someone: Who asks; None where that is not known.
    :param kind: The kind of form.
    """
    if someone is None:
        return {}
    known = {'requester.name': someone.name, 'requester.email': someone.email}
    if kind == 'list-request':
        known |= {
            'administrators.0.name': someone.name,
            'administrators.0.email': someone.email,
            'administrators.0.harp_id': someone.harp_id,
        }
    return {path: answer for path, answer in known.items() if answer}


def look(
    request: HttpRequest, form: Form, draft: Draft, *, subscribers: bool
) -> Looked:
    """Ask core what is wrong with the answers there are.

    :param request: The request.
    :param form: What is asked.
    :param draft: The answers.
    :param subscribers: Whether it is to look at the subscribers, too: there are many.
    """
    fields = _fields(request, form, draft, subscribers=subscribers)
    try:
        answer = core.post_json('forms/web/check', fields)
    except core.CoreUnavailable:
        return Looked(Outcome.UNAVAILABLE)
    if answer.status == HTTPStatus.OK:
        return _mistaken(answer.fields, Outcome.GOOD)
    return _refused(answer)


def _fields(
    request: HttpRequest, form: Form, draft: Draft, *, subscribers: bool
) -> dict[str, str]:
    people = b''
    if subscribers:
        people = draft.content or draft.answers.get(SUBSCRIBERS, '').encode()
    fields = {
        'form': as_form(form, draft.answers, has_file=bool(people)),
        'client': client_address(request),
    }
    if people:
        fields['subscribers'] = base64.b64encode(people).decode()
    return fields


def _mistaken(fields: Mapping[str, Any], outcome: Outcome) -> Looked:
    return Looked(outcome, tuple(map(Mistake.read, fields['mistakes'])))


def _refused(answer: core.Answer) -> Looked:
    known = {
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Outcome.TOO_LARGE,
        HTTPStatus.TOO_MANY_REQUESTS: Outcome.TOO_OFTEN,
    }
    return Looked(known.get(HTTPStatus(answer.status), Outcome.UNAVAILABLE))


@dataclass(frozen=True)
class Sent:
    """What became of a form that was sent.

    :ivar number: That of the request; empty where its requester is to confirm it.
    """

    looked: Looked
    number: str = ''


def send(request: HttpRequest, form: Form, draft: Draft) -> Sent:
    """Hand a form to core.

    :param request: The request.
    :param form: What is asked.
    :param draft: The answers.
    """
    fields = _fields(request, form, draft, subscribers=True)
    someone = person(request)
    if someone is not None:
        fields |= {'person': someone.harp_id, 'email': someone.email}
    try:
        answer = core.post_json('forms/web/ask', fields)
    except core.CoreUnavailable:
        return Sent(Looked(Outcome.UNAVAILABLE))
    if answer.status in (HTTPStatus.OK, HTTPStatus.ACCEPTED):
        return Sent(Looked(Outcome.GOOD), answer.fields.get('number', ''))
    if answer.status == HTTPStatus.BAD_REQUEST and 'mistakes' in answer.fields:
        return Sent(_mistaken(answer.fields, Outcome.MISTAKEN))
    return Sent(_refused(answer))


@dataclass(frozen=True)
class Confirmation:
    """What core says of a link.

    :ivar fields: The `kind` of form, the `address` of its requester and the `answers`
        before it is confirmed; after that its `number`.
    """

    answered: Answered
    fields: Mapping[str, Any]


def describe(token: str) -> Confirmation:
    """What the link would confirm.

    :param token: The token in the link.
    """
    return Confirmation(*ask_about_link('forms/web/describe', token))


def confirm(token: str) -> Confirmation:
    """Confirm it.

    :param token: The token in the link.
    """
    return Confirmation(*ask_about_link('forms/web/confirm', token))
