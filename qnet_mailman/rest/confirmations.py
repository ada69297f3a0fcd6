# SPDX-License-Identifier: GPL-3.0-or-later
"""/confirmations: the tokens in mails about joining and leaving (R11-R14).

Tokens travel in the body, never in a path: paths are in logs.
"""

from __future__ import annotations

from typing import Any

import falcon
from mailman.rest.helpers import bad_request, child, etag, not_found, okay
from mailman.rest.validator import Validator

from qnet_mailman.model import tokens
from qnet_mailman.model.listing import Listed
from qnet_mailman.subscriptions import confirming


def _shown(listed: Listed) -> dict[str, str | None]:
    return {
        'list_id': listed.list_id,
        'fqdn_listname': listed.fqdn_listname,
        'display_name': listed.display_name,
        'visibility': listed.visibility,
    }


def _answer(response: Any, found: Any, lists: list[dict[str, str | None]]) -> None:
    body = {'kind': found.kind.value, 'address': found.address, 'lists': lists}
    okay(response, etag(body))


def token_of(request: Any, response: Any) -> str | None:
    """The token of a request; None where it was answered that it has none."""
    try:
        return Validator(token=str)(request)['token']
    except ValueError as error:
        bad_request(response, str(error))
        return None


def gone(response: Any, why: str) -> None:
    """Answer that a token is good for nothing any more."""
    response.status = falcon.HTTP_410
    response.content_type = falcon.MEDIA_JSON
    response.text = falcon.HTTPGone(description=why).to_json()


def no_such_token(response: Any, token: str) -> None:
    """Answer that a token is good for nothing: 410 used already, or else 404."""
    if tokens.was_used(token):
        gone(response, 'Used already')
        return
    not_found(response, 'No such token')


class _Describe:
    def on_post(self, request: Any, response: Any) -> None:
        """What would be confirmed; 404 no such token, or expired; 410 used."""
        token = token_of(request, response)
        if token is None:
            return
        described = confirming.describe(token)
        if described is None:
            no_such_token(response, token)
            return
        lists = [_shown(listed) for listed in described.lists]
        _answer(response, described, lists)


class _Confirm:
    def on_post(self, request: Any, response: Any) -> None:
        """Confirm; what became of it, for each list; 404 and 410 as above."""
        token = token_of(request, response)
        if token is None:
            return
        confirmed = confirming.confirm(token, route='web')
        if confirmed is None:
            no_such_token(response, token)
            return
        lists = [
            {**_shown(listed), 'outcome': outcome.value}
            for listed, outcome in confirmed.lists
        ]
        _answer(response, confirmed, lists)


class Confirmations:
    """What waits for a confirmation."""

    @child()
    def describe(self, context: Any, segments: list[str]) -> Any:
        """/confirmations/describe"""
        return _Describe(), []

    @child()
    def confirm(self, context: Any, segments: list[str]) -> Any:
        """/confirmations/confirm"""
        return _Confirm(), []
