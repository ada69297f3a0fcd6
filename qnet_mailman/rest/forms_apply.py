# SPDX-License-Identifier: GPL-3.0-or-later
"""/forms/apply: what `mailman qnet provision` does, for another host (R30, R31)."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import falcon
from lazr.config import as_boolean
from mailman.rest.helpers import bad_request, etag, okay
from mailman.rest.validator import Validator

from qnet_mailman import site, values
from qnet_mailman.forms import loading
from qnet_mailman.forms.mistakes import FormInvalid
from qnet_mailman.provisioning.apply import (
    Result,
    apply_form,
    database_is_away,
    many_forms,
)
from qnet_mailman.rest import limits
from qnet_mailman.rest.acting import acting_for, person
from qnet_mailman.settings import Settings

RETRY_AFTER = 10
"""Seconds after which to come again when the service is not ready."""


def _content(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        raise ValueError('expected Base64') from None


def _files(value: Any) -> dict[str, bytes]:
    if not isinstance(value, dict):
        raise ValueError('expected an object of names and Base64')
    return {name: _content(content) for name, content in value.items()}


def _file_name(value: str) -> str:
    return values.line(value, values.MAX_NAME)


class _Sent(dict[str, bytes]):
    """The files that came with a form, and which were looked for in vain."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(files)
        self.missing: list[str] = []

    def __contains__(self, name: object) -> bool:
        known = super().__contains__(name)
        if not known and str(name) not in self.missing:
            self.missing.append(str(name))
        return known


class Apply:
    """Applies the forms in one file."""

    def on_post(self, request: Any, response: Any) -> None:
        """Apply the forms in `content` (Base64), a file with the name `name`.

        200 and `results`, one for each form as `mailman qnet provision --json` prints
        it, whatever became of it; 400 what is wrong with the request; 413 it is too
        large; 503 the service cannot work now, and the request may come again.

        `beside` is an object with the CSV files of subscribers that the forms name, by
        name, each in Base64.  Where it is not given and a form names files, nothing is
        applied, and the answer has their names as `missing`.  `dry_run` and `approved`
        are those of the command; `actor` is the person for whom the caller asks.
        `request` is a word of the caller's, the same when a request whose answer was
        lost comes again: the results are then what the first one did.  `ticket` is for
        forms that have none.  `more` says that more requests follow, with which the
        mail server may learn of new lists.
        """
        try:
            settings = site.settings()
        except site.NotReady as error:
            raise _unavailable(str(error)) from None
        _require_size(request, settings)
        wanted: dict[str, Any] = {'name': _file_name, 'content': _content}
        optional: dict[str, Any] = {
            'beside': _files,
            'dry_run': as_boolean,
            'approved': as_boolean,
            'actor': person,
            'request': values.ticket,
            'ticket': values.ticket,
            'more': as_boolean,
        }
        validator = Validator(**wanted, **optional, _optional=tuple(optional))
        try:
            asked = validator(request)
        except ValueError as error:
            bad_request(response, str(error))
            return
        except AttributeError:
            bad_request(response, 'expected a JSON object')
            return
        okay(response, etag(_answer(asked, settings)))


def _unavailable(why: str) -> falcon.HTTPServiceUnavailable:
    return falcon.HTTPServiceUnavailable(description=why, retry_after=RETRY_AFTER)


def _require_size(request: Any, settings: Settings) -> None:
    # Also where Mailman's own runner serves us.
    if (request.content_length or 0) > limits.for_files(settings):
        raise falcon.HTTPContentTooLarge(
            description='expected at most what form_max_unpacked and members_max_size '
            'of qnet.cfg allow together'
        )


def _answer(asked: dict[str, Any], settings: Settings) -> dict[str, Any]:
    sent = _Sent(asked.get('beside', {}))
    found = [
        (each.where, each.form)
        for each in loading.load_content(
            asked['name'], asked['content'], settings, sent, operators=True
        )
    ]
    if sent.missing and 'beside' not in asked:
        return {'results': [], 'missing': sent.missing}
    results = []
    how = {key: asked.get(key, False) for key in ('dry_run', 'more')}
    with many_forms(**how) as gathering:
        for name, loaded in found:
            result = _apply(loaded, asked)
            if result.outcome == 'failed' and (why := database_is_away()):
                raise _unavailable(why)
            results.append({'file': name, **result.as_dict()})
    if gathering.problem:
        raise _unavailable(gathering.problem)
    return {'results': results}


def _apply(loaded: loading.Loaded | FormInvalid, asked: dict[str, Any]) -> Result:
    if isinstance(loaded, FormInvalid):
        return Result('invalid', errors=tuple(loaded.errors))
    try:
        return apply_form(
            loaded.form,
            actor=acting_for(asked.get('actor')),
            dry_run=asked.get('dry_run', False),
            approved=asked.get('approved', False),
            document=loaded.document,
            request=asked.get('request', ''),
            number=asked.get('ticket', ''),
        )
    except site.NotReady as error:
        raise _unavailable(str(error)) from None
