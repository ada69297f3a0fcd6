# SPDX-License-Identifier: GPL-3.0-or-later
"""/signup: the lists that the sign-up page shows, and its requests (R2, R13).

Whoever asks learns nothing about an address: only its syntax is looked at here, and
the answer to every well-formed request is the same.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import falcon
from mailman.rest.helpers import accepted, etag, get_request_params, okay
from mailman.utilities.datetime import now

from qnet_mailman.model import finding, listing
from qnet_mailman.subscriptions import sign_up
from qnet_mailman.templates.sending import one_line

MAX_LISTS = 100
"""In one request."""


class SignUp:
    """What is behind the page "Sign Up for Email Updates"."""

    def on_get(self, request: Any, response: Any) -> None:
        """All advertised lists of ours."""
        lists = [asdict(listed) for listed in listing.advertised()]
        okay(response, etag({'lists': lists}))

    def on_post(self, request: Any, response: Any) -> None:
        """202 taken; 400 with `errors` by field; 429 too many of this client."""
        params = get_request_params(request)
        address = finding.address_of(_text(params.get('address')))
        list_ids = _texts(params.get('lists'))
        errors = {}
        if address is None:
            errors['address'] = 'Enter an e-mail address such as name@example.gov.'
        problem = _problem_of(list_ids)
        if problem is not None:
            errors['lists'] = problem
        if address is None or errors:
            response.status = falcon.HTTP_400
            response.text = json.dumps(
                {
                    'title': '400 Bad Request',
                    'description': ' '.join(errors.values()),
                    'errors': errors,
                }
            )
            return
        if not sign_up.client_allowed(_text(params.get('client'))):
            raise falcon.HTTPTooManyRequests(
                description='Too many requests. Try again in an hour.'
            )
        sign_up.queue(
            sign_up.Request(
                address=address,
                display_name=one_line(_text(params.get('display_name'))),
                list_ids=tuple(list_ids),
                asked_at=now(),
            )
        )
        accepted(response)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ''


def _texts(value: Any) -> list[str]:
    """A repeated field, each value once."""
    values = value if isinstance(value, list) else [value]
    return list(dict.fromkeys(each for each in values if _text(each)))


def _problem_of(list_ids: list[str]) -> str | None:
    if not list_ids:
        return 'Choose at least one list.'
    if len(list_ids) > MAX_LISTS:
        return f'Choose at most {MAX_LISTS} lists at a time.'
    # PostgreSQL takes neither NUL nor half a character.
    known = [list_id for list_id in list_ids if list_id.isprintable()]
    if len(listing.advertised_among(known)) < len(list_ids):
        return 'A list that you chose is not offered any more. Choose again.'
    return None
