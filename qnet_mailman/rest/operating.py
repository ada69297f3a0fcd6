# SPDX-License-Identifier: GPL-3.0-or-later
"""/health, /audit: what operators look at (R31, R32)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import falcon
from mailman.config import config
from mailman.rest.helpers import bad_request, child, etag, okay
from mailman.rest.validator import Validator

from qnet_mailman import site
from qnet_mailman.health import mailman, website
from qnet_mailman.health.looking import examine
from qnet_mailman.model.audit import (
    About,
    Action,
    QNetAudit,
    as_dict,
    recorded_as,
    written,
)
from qnet_mailman.model.base import store
from qnet_mailman.rest.acting import acting_for, person
from qnet_mailman.rest.paging import MAX_COUNT, entries
from qnet_mailman.review import requests

MAX_LINES = 1000
"""Lines of the audit log that one answer has at most."""

_ASKED = (
    *('list', 'request', 'person', 'action', 'since', 'until'),
    *('before', 'count'),
)


class Health:
    """Whether the service is well, and if not, why."""

    def on_get(self, request: Any, response: Any) -> None:
        """What `mailman qnet check --no-web --no-mail` finds, as `findings`.

        The web side is who asks, and no message is sent for a page.  It may say the
        `time_zone` of its pages.
        """
        found = examine(web=False, mail=False)
        zone = request.get_param('time_zone')
        if zone is not None and site.reason_not_ready() is None:
            found += website.clocks(zone, site.settings().time_zone.key)
        okay(response, etag({'findings': [each.as_dict() for each in found]}))

    @child()
    def live(self, context: Any, segments: list[str]) -> Any:
        """/health/live"""
        return Live(), []

    @child()
    def ready(self, context: Any, segments: list[str]) -> Any:
        """/health/ready"""
        return Ready(), []


class Live:
    """Whether this process answers."""

    def on_get(self, request: Any, response: Any) -> None:
        """200, without a look at anything else."""
        okay(response, etag({'live': True}))


class Ready:
    """Whether mail would be processed."""

    def on_get(self, request: Any, response: Any) -> None:
        """200 if the plugin is set up and the database answers, else 503 with why."""
        wrong = list(mailman.obstacles())
        okay(response, etag({'ready': not wrong, 'problems': wrong}))
        if wrong:
            response.status = falcon.HTTP_503


class AuditLog:
    """Who changed what."""

    def on_get(self, request: Any, response: Any) -> None:
        """The lines of the audit log, newest first, `count` at most.

        `before` is the `id` of a line: only older ones.  `list`, an address or ID;
        `request`, any number of a request form's; `person`, who did it or whom it was
        done to; `action`, in the log's words; `since` and `until`, ISO 8601, in UTC
        where they say nothing else: each says of what alone.  Who sent a post that is
        masked is `hidden`.  `actions` are all that the log knows.
        """
        _answer(request.params, response)

    @child()
    def senders(self, context: Any, segments: list[str]) -> Any:
        """/audit/senders"""
        return _Senders(), segments


class _Senders:
    """The same, with who sent posts that are masked."""

    def on_post(self, request: Any, response: Any) -> None:
        """What a GET of the log answers, with nothing hidden.

        That somebody looks is a line of the log; `actor` is the person for whom the
        caller asks.
        """
        try:
            asked = Validator(
                actor=person, **dict.fromkeys(_ASKED, str), _optional=('actor', *_ASKED)
            )(request)
            actor = acting_for(asked.pop('actor', None))
        except ValueError as error:
            bad_request(response, str(error))
            return
        with recorded_as(actor):
            _answer(asked, response, senders=True)


def _answer(asked: Mapping[str, Any], response: Any, *, senders: bool = False) -> None:
    fields = {key: str(asked[key]) for key in _ASKED if asked.get(key)}
    number = fields.get('request')
    about = About(
        list_name=fields.get('list'),
        names=None if number is None else requests.names_of(number.strip()),
        person=fields.get('person'),
        action=fields.get('action'),
        since=_moment(fields, 'since'),
        until=_moment(fields, 'until'),
    )
    count = _number(fields, 'count', MAX_LINES, MAX_COUNT)
    if senders:
        about = about.look_at_senders()
        store().flush()
        config.db.commit()
    query = written(about)
    if 'before' in fields:
        query = query.where(QNetAudit.id < _number(fields, 'before', 2**31 - 1))
    newest = store().scalars(query.order_by(QNetAudit.id.desc()).limit(count))
    rows = [{'id': row.id, **as_dict(row, senders=senders)} for row in newest]
    actions = [each.value for each in Action]
    okay(response, etag({**entries(rows), 'actions': actions}))
    config.db.commit()


def _number(fields: Mapping[str, str], name: str, most: int, default: int = 1) -> int:
    text = fields.get(name, str(default))
    if re.fullmatch('[0-9]{1,10}', text) and 1 <= int(text) <= most:
        return int(text)
    raise falcon.HTTPInvalidParam(f'expected a number from 1 to {most}', name)


def _moment(fields: Mapping[str, str], name: str) -> datetime | None:
    if name not in fields:
        return None
    try:
        moment = datetime.fromisoformat(fields[name].strip())
    except ValueError:
        raise falcon.HTTPInvalidParam('expected a time (ISO 8601)', name) from None
    if moment.tzinfo is None:
        return moment
    try:
        return moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        raise falcon.HTTPInvalidParam('there is no such time', name) from None
