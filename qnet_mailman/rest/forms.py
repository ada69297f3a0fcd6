# SPDX-License-Identifier: GPL-3.0-or-later
"""/forms: request forms that wait for an operator, and the decisions (R28-R30)."""

from __future__ import annotations

import base64
import binascii
import json
import logging
from pathlib import PurePosixPath
from typing import Any

import falcon
from lazr.config import as_boolean
from mailman.config import config
from mailman.rest.helpers import (
    NotFound,
    bad_request,
    child,
    conflict,
    etag,
    get_request_params,
    not_found,
    okay,
)
from mailman.rest.validator import Validator

from qnet_mailman import site, values
from qnet_mailman.forms.loading import READERS
from qnet_mailman.model import audit
from qnet_mailman.model.requests import OPEN, Status
from qnet_mailman.rest.acting import acting_for, person
from qnet_mailman.rest.asking import OnTheWeb
from qnet_mailman.rest.empty_forms import EmptyForms
from qnet_mailman.rest.forms_apply import Apply
from qnet_mailman.rest.paging import MAX_COUNT, Page
from qnet_mailman.review import deciding, notices, receiving, requests
from qnet_mailman.review.deciding import MAX_REASON, CannotDecide
from qnet_mailman.review.reading import Sent

_SUFFIXES = (*READERS, '.csv', '.eml')

log = logging.getLogger('mailman.plugins')


def _tell() -> None:
    try:
        notices.tell()
    except Exception:
        # The periodic job writes what is not written now.
        config.db.abort()
        log.exception('The messages about requests were not written')


def _bytes(value: Any, key: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise ValueError(f'{key}: expected base64') from None


def _sent(params: Any) -> Sent:
    """The file of a request.

    :raises ValueError: if there is none.
    """
    try:
        name = PurePosixPath(values.line(params.get('name'), values.MAX_NAME)).name
    except ValueError as error:
        raise ValueError(f'name: expected {error}') from None
    if PurePosixPath(name).suffix.lower() not in _SUFFIXES:
        raise ValueError(
            f'name: expected one that ends in {values.alternatives(_SUFFIXES)}'
        )
    content = _bytes(params.get('content'), 'content')
    beside = params.get('beside', {})
    if isinstance(beside, str):
        try:
            beside = json.loads(beside)
        except ValueError:
            beside = None
    if not content or not isinstance(beside, dict):
        raise ValueError(
            'expected content, in base64, and for beside a JSON object with files in '
            'base64 by name'
        )
    files = {key: _bytes(data, 'beside') for key, data in beside.items()}
    sent = Sent(name, content, files)
    most = site.settings().form_max_unpacked
    if sent.size > most:
        raise ValueError(
            f'expected at most {most // 1024} KB (form_max_unpacked in qnet.cfg)'
        )
    return sent


def _optional_ticket(value: Any) -> str:
    return values.ticket(value, optional=True)


class _Decision:
    """Something that is done about a request."""

    optional: dict[str, Any] = {}

    def __init__(self, number: int) -> None:
        self._number = number

    def on_post(self, request: Any, response: Any) -> None:
        """200 and the request; 400 what is wrong; 409 it was decided before."""
        optional = {'actor': person, **self.optional}
        try:
            fields = Validator(**optional, _optional=tuple(optional))(request)
        except ValueError as error:
            bad_request(response, str(error))
            return
        try:
            answer = self.decide(acting_for(fields.pop('actor', None)), fields)
        except CannotDecide as error:
            config.db.abort()
            conflict(response, str(error))
            return
        _tell()
        found = requests.find(self._number)
        assert found is not None
        okay(response, etag({**requests.as_dict(*found), **answer}))

    def decide(self, actor: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Do it, and say what is to be told of it."""
        raise NotImplementedError


class _Approve(_Decision):
    """Apply the form; `result` tells what came of it, `invalid` and `failed` too.

    409 where the request has `warnings`, unless `despite_warnings` is true.  `ticket`
    is the service desk's number, which is linked.
    """

    optional = {'despite_warnings': as_boolean, 'ticket': _optional_ticket}

    def decide(self, actor: str, fields: dict[str, Any]) -> dict[str, Any]:
        """See the class."""
        result = deciding.approve(
            self._number,
            actor=actor,
            despite_warnings=fields.get('despite_warnings', False),
            ticket=fields.get('ticket', ''),
        )
        return {'outcome': result.as_dict()}


class _Return(_Decision):
    """Return it to who sent it, with its mistakes and a `reason`."""

    optional = {'reason': lambda text: values.paragraph(text, MAX_REASON)}

    def decide(self, actor: str, fields: dict[str, Any]) -> dict[str, Any]:
        """See the class."""
        reason = fields.get('reason', '')
        deciding.send_back(self._number, actor=actor, reason=reason)
        return {}


class _Link(_Decision):
    """Link the service desk's number, the `ticket`, to it; in any state (R38)."""

    optional = {'ticket': values.ticket}

    def decide(self, actor: str, fields: dict[str, Any]) -> dict[str, Any]:
        """See the class."""
        if 'ticket' not in fields:
            raise CannotDecide('expected a ticket')
        deciding.link(self._number, fields['ticket'], actor=actor)
        return {}


class _Request:
    """A request."""

    def __init__(self, number: int) -> None:
        self._number = number

    def on_get(self, request: Any, response: Any) -> None:
        """The request, its `form`, and what applying it would do as `outcome`.

        `doubts` say what speaks against its sender, and `warnings` why a change of a
        list that is there must not be approved without a word.
        """
        found = requests.find(self._number)
        if found is None:
            not_found(response)
            return
        answer = requests.as_dict(*found)
        try:
            looked = deciding.look(self._number)
        except CannotDecide as error:
            okay(response, etag({**answer, 'form': None, 'problem': str(error)}))
            return
        form = looked.form and looked.form.form.model_dump(mode='json')
        outcome = looked.result.as_dict()
        warnings = list(looked.warnings)
        whole = {**answer, 'form': form, 'outcome': outcome, 'warnings': warnings}
        okay(response, etag(whole))

    @child()
    def approve(self, context: Any, segments: list[str]) -> Any:
        """/forms/<number>/approve"""
        return _Approve(self._number), segments

    @child()
    def link(self, context: Any, segments: list[str]) -> Any:
        """/forms/<number>/link"""
        return _Link(self._number), segments

    @child('return')
    def send_back(self, context: Any, segments: list[str]) -> Any:
        """/forms/<number>/return"""
        return _Return(self._number), segments


def _answer(page: Page, rows: list[requests.Row], total: int) -> dict[str, Any]:
    return page.answer([requests.as_dict(*each) for each in rows], total)


class Forms:
    """All requests."""

    def on_get(self, request: Any, response: Any) -> None:
        """Requests, the oldest first; `status` one of theirs, else those to decide.

        `ticket` is one of a form's own or of the service desk: whatever became of it.
        """
        ticket = request.get_param('ticket')
        if ticket is not None:
            rows = requests.with_ticket(ticket)
            first = Page(0, MAX_COUNT)
            okay(response, etag(_answer(first, rows[:MAX_COUNT], len(rows))))
            return
        page = Page.asked(request)
        status = request.get_param('status')
        try:
            statuses = OPEN if status is None else [values.choice(status, Status)]
        except ValueError as error:
            bad_request(response, f'status: expected {error}')
            return
        rows = requests.of(statuses, start=page.start, most=page.count)
        okay(response, etag(_answer(page, rows, requests.how_many(statuses))))

    def on_post(self, request: Any, response: Any) -> None:
        """Let a file wait for an operator.

        `name` and `content` (in base64); `beside`, a JSON object with the CSV files
        that it names; `actor`, the person for whom the caller asks.  200 and the
        `requests` that are made of it, 400 what is wrong, 429 too many wait.
        """
        params = get_request_params(request)
        try:
            sent = _sent(params)
            actor = acting_for(person(params.get('actor') or ''))
        except ValueError as error:
            bad_request(response, str(error))
            return
        try:
            with audit.recorded_as(actor):
                numbers = receiving.take(sent, receiving.OVER_REST)
        except receiving.TooMany:
            config.db.abort()
            raise falcon.HTTPTooManyRequests(
                description='Too many requests wait for an operator.'
            ) from None
        config.db.commit()
        rows = [requests.find(number) for number in numbers]
        answer = [requests.as_dict(*row) for row in rows if row is not None]
        okay(response, etag({'requests': answer}))

    @child()
    def apply(self, context: Any, segments: list[str]) -> Any:
        """/forms/apply"""
        return Apply(), segments

    @child()
    def web(self, context: Any, segments: list[str]) -> Any:
        """/forms/web/..."""
        return OnTheWeb(), segments

    @child()
    def empty(self, context: Any, segments: list[str]) -> Any:
        """/forms/empty/..."""
        return EmptyForms(), segments

    @child(r'^(?P<number>(?:QM-)?\d+)')
    def one(self, context: Any, segments: list[str], number: str) -> Any:
        """/forms/<number>, with or without what is before it."""
        found = requests.number_of(number)
        if found is None:
            return NotFound(), []
        return _Request(found), segments
