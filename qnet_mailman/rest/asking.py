# SPDX-License-Identifier: GPL-3.0-or-later
"""/forms/web: what the pages need on which people ask for something (R13, R29).

They have no rules of their own: what is asked, and what is wrong with an answer, is
said here.  Tokens travel in the body, never in a path: paths are in logs.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

import falcon
from mailman.config import config
from mailman.rest.helpers import (
    NotFound,
    accepted,
    bad_request,
    child,
    etag,
    okay,
)
from mailman.rest.validator import Validator

from qnet_mailman import site, values
from qnet_mailman.forms import plain, questions
from qnet_mailman.forms.kept import Loaded
from qnet_mailman.forms.kinds import KINDS
from qnet_mailman.forms.mistakes import FormInvalid
from qnet_mailman.model.audit import recorded_as
from qnet_mailman.model.requests import label
from qnet_mailman.rest.acting import acting_for, person
from qnet_mailman.rest.confirmations import no_such_token, token_of
from qnet_mailman.review import asking, receiving
from qnet_mailman.subscriptions.sign_up import client_allowed

STEPS = 20
"""How many times as many steps as sign-up requests a client may send in an hour; with a
file of subscribers, which is dearer to read, as many."""


def _bytes(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError('expected Base64') from None


def _utf_8(value: str) -> bytes:
    return str(value).encode('utf-8', 'replace')


_FIELDS: dict[str, Any] = {'form': _utf_8, 'client': str}
_OPTIONAL: dict[str, Any] = {
    'subscribers': _bytes,
    'person': person,
    'email': lambda text: values.email(text, optional=True),
}


def _asked(request: Any, response: Any) -> dict[str, Any] | None:
    """The fields of a request that are good; None where it was answered."""
    try:
        return dict(
            Validator(**_FIELDS, **_OPTIONAL, _optional=tuple(_OPTIONAL))(request)
        )
    except (ValueError, AttributeError) as error:
        bad_request(response, str(error))
        return None


def _require_allowed(client: str, what: str, times: int = 1) -> None:
    allowed = client_allowed(client, what, times=times)
    config.db.commit()
    if not allowed:
        raise falcon.HTTPTooManyRequests(
            description='Too many requests. Try again in an hour.'
        )


def _too_many_wait() -> falcon.HTTPServiceUnavailable:
    config.db.abort()
    return falcon.HTTPServiceUnavailable(
        description='Too many requests wait for an operator, or to be confirmed.'
    )


def _mistakes(found: FormInvalid) -> list[dict[str, Any]]:
    return [plain.as_dict(error) for error in found.errors]


class _Questions:
    def __init__(self, kind: str) -> None:
        self._kind = kind

    def on_get(self, request: Any, response: Any) -> None:
        """See `forms.questions.questions()`."""
        most = site.settings().form_max_people
        okay(response, etag(questions.questions(self._kind, most)))


class _Check:
    def on_post(self, request: Any, response: Any) -> None:
        """200 and all `mistakes` of a `form` that may be filled in in part.

        It is JSON, as text; `subscribers` is the file that it names (Base64), and
        `client` the address from which it comes: 429 too many of it.
        """
        asked = _asked(request, response)
        if asked is None:
            return
        if asked.get('subscribers'):
            _require_allowed(asked['client'], 'subscribers on the web')
        else:
            _require_allowed(asked['client'], 'step of a request', STEPS)
        found = asking.read(asking.sent(asked['form'], asked.get('subscribers', b'')))
        form = found.form
        wrong = _mistakes(form) if isinstance(form, FormInvalid) else []
        okay(response, etag({'mistakes': wrong}))


class _Ask:
    def on_post(self, request: Any, response: Any) -> None:
        """Take a form: 200 and its `number`, or 202 where its requester is written to.

        Fields as in a check.  `email` is an address that is shown to be that of the
        `person` who asks.  400 and the `mistakes`; 429 too many of this client; 503
        too many wait, of anybody, or there is no web side.
        """
        asked = _asked(request, response)
        if asked is None:
            return
        filled_in = asking.sent(asked['form'], asked.get('subscribers', b''))
        form = asking.read(filled_in).form
        if not isinstance(form, Loaded):
            response.status = falcon.HTTP_400
            response.text = json.dumps({'mistakes': _mistakes(form)})
            return
        _require_allowed(asked['client'], 'request on the web')
        try:
            if not asking.is_theirs(form, asked.get('email', '')):
                asking.hold(filled_in, form)
                config.db.commit()
                accepted(response)
                return
            who = asked.get('person', '')
            requester = form.form.requester.email
            with recorded_as(acting_for(who or requester)):
                numbers = receiving.take_asked(
                    filled_in, requester, f'signed in: {who}'
                )
        except (receiving.TooMany, asking.NoWebSide):
            raise _too_many_wait() from None
        config.db.commit()
        okay(response, etag({'number': label(numbers[0])}))


class _Describe:
    def on_post(self, request: Any, response: Any) -> None:
        """What the link with a `token` would confirm; 404 nothing; 410 used."""
        token = token_of(request, response)
        if token is None:
            return
        found = asking.describe(token)
        if found is None or not isinstance(found.form, Loaded):
            no_such_token(response, token)
            return
        form = found.form.form
        answer = {
            'kind': form.form,
            'address': form.requester.email,
            'answers': questions.answers(form),
        }
        okay(response, etag(answer))


class _Confirm:
    def on_post(self, request: Any, response: Any) -> None:
        """Let it become a request: 200 and its `number`; 404, 410, 503 as above."""
        token = token_of(request, response)
        if token is None:
            return
        try:
            with recorded_as(acting_for(asking.BY_LINK)):
                numbers = asking.confirm(token)
        except receiving.TooMany:
            raise _too_many_wait() from None
        config.db.commit()
        if not numbers:
            no_such_token(response, token)
            return
        okay(response, etag({'number': label(numbers[0])}))


class OnTheWeb:
    """Requests that are filled in on pages."""

    @child(r'^questions/(?P<kind>[^/]+)')
    def questions(self, context: Any, segments: list[str], kind: str) -> Any:
        """/forms/web/questions/<kind>"""
        if kind not in KINDS:
            return NotFound(), []
        return _Questions(kind), []

    @child()
    def check(self, context: Any, segments: list[str]) -> Any:
        """/forms/web/check"""
        return _Check(), []

    @child()
    def ask(self, context: Any, segments: list[str]) -> Any:
        """/forms/web/ask"""
        return _Ask(), []

    @child()
    def describe(self, context: Any, segments: list[str]) -> Any:
        """/forms/web/describe"""
        return _Describe(), []

    @child()
    def confirm(self, context: Any, segments: list[str]) -> Any:
        """/forms/web/confirm"""
        return _Confirm(), []
