# SPDX-License-Identifier: GPL-3.0-or-later
"""/unsubscribe: leaving a list with a token of a message (R15, R39, RFC 8058).

Tokens travel in the body: a path would be in the access log.
"""

from __future__ import annotations

from typing import Any

from lazr.config import as_boolean
from mailman.rest.helpers import bad_request, child, etag, not_found, okay
from mailman.rest.validator import Validator

from qnet_mailman.rest.confirmations import gone
from qnet_mailman.subscriptions import one_click
from qnet_mailman.subscriptions.one_click import Left, Outcome


def token_fields(request: Any, response: Any, **more: Any) -> dict[str, Any] | None:
    """The fields of a request with a token; None where it is answered with 400."""
    try:
        found: dict[str, Any] = Validator(token=str, **more, _optional=tuple(more))(
            request
        )
    except ValueError as error:
        bad_request(response, str(error))
        return None
    return found


def answer_token(response: Any, outcome: str, named: dict[str, Any]) -> None:
    """200 and what is `named`; 404 where a token is not ours, 410 where it is old."""
    match outcome:
        case Outcome.unknown:
            not_found(response, 'No such token')
        case Outcome.gone:
            gone(response, 'The token is too old')
        case _:
            okay(response, etag(named))


def _answer(response: Any, found: Left, **more: Any) -> None:
    named = {
        'fqdn_listname': found.fqdn_listname,
        'display_name': found.display_name,
        'whose': list(found.whose),
    }
    answer_token(response, found.outcome, {**named, **more})


class _Describe:
    def on_post(self, request: Any, response: Any) -> None:
        """200 what the token is for; 404 not one of ours; 410 too old, or revoked."""
        fields = token_fields(request, response)
        if fields is not None:
            found = one_click.describe(**fields)
            _answer(response, found, subscribed=found.outcome is Outcome.subscribed)


class Unsubscribe:
    """Leaving."""

    def on_post(self, request: Any, response: Any) -> None:
        """200 left, or not a member any more, or asked; 404 and 410 as above."""
        fields = token_fields(request, response, confirmed=as_boolean)
        if fields is not None:
            found = one_click.leave(**fields, route='web')
            _answer(response, found, outcome=found.outcome.value)

    @child()
    def describe(self, context: Any, segments: list[str]) -> Any:
        """/unsubscribe/describe"""
        return _Describe(), []
