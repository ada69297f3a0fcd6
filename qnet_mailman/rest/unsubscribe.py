# SPDX-License-Identifier: GPL-3.0-or-later
"""/unsubscribe: leaving a list with the token of a message (R15, RFC 8058).

Tokens travel in the body: a path would be in the access log.
"""

from __future__ import annotations

from typing import Any

import falcon
from mailman.rest.helpers import bad_request, child, etag, not_found, okay
from mailman.rest.validator import Validator

from qnet_mailman.subscriptions import one_click
from qnet_mailman.subscriptions.one_click import Left, Outcome


def _token(request: Any, response: Any) -> str | None:
    try:
        token: str = Validator(token=str)(request)['token']
    except ValueError as error:
        bad_request(response, str(error))
        return None
    return token


def _answer(response: Any, found: Left, **more: Any) -> None:
    match found.outcome:
        case Outcome.unknown:
            not_found(response, 'No such token')
        case Outcome.gone:
            response.status = falcon.HTTP_410
            response.content_type = falcon.MEDIA_JSON
            response.text = falcon.HTTPGone(
                description='The token is too old'
            ).to_json()
        case _:
            named = {
                'fqdn_listname': found.fqdn_listname,
                'display_name': found.display_name,
            }
            okay(response, etag({**named, **more}))


class _Describe:
    def on_post(self, request: Any, response: Any) -> None:
        """200 what the token is for; 404 not one of ours; 410 too old, or revoked."""
        token = _token(request, response)
        if token is not None:
            found = one_click.describe(token)
            _answer(response, found, subscribed=found.outcome is Outcome.subscribed)


class Unsubscribe:
    """Leaving."""

    def on_post(self, request: Any, response: Any) -> None:
        """200 left, or not a member any more; 404 and 410 as above."""
        token = _token(request, response)
        if token is not None:
            found = one_click.leave(token, route='web')
            _answer(response, found, outcome=found.outcome.value)

    @child()
    def describe(self, context: Any, segments: list[str]) -> Any:
        """/unsubscribe/describe"""
        return _Describe(), []
