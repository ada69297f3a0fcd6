# SPDX-License-Identifier: GPL-3.0-or-later
"""/health, /audit: what operators look at (R31, R32)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import falcon
from mailman.config import config
from mailman.rest.helpers import child, etag, okay

from qnet_mailman.health import mailman
from qnet_mailman.health.looking import examine
from qnet_mailman.model.audit import About, QNetAudit, as_dict, written
from qnet_mailman.model.base import store
from qnet_mailman.rest.paging import count_asked, entries
from qnet_mailman.review import requests


class Health:
    """Whether the service is well, and if not, why."""

    def on_get(self, request: Any, response: Any) -> None:
        """What `mailman qnet check --no-web --no-mail` finds, as `findings`.

        The web side is who asks, and no message is sent for a page.
        """
        found = examine(web=False, mail=False)
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
        where they say nothing else: each says of what alone.
        """
        get = request.get_param
        number = get('request')
        about = About(
            list_name=get('list'),
            names=None if number is None else requests.names_of(number.strip()),
            person=get('person'),
            action=get('action'),
            since=_moment(request, 'since'),
            until=_moment(request, 'until'),
        )
        query = written(about)
        before = request.get_param_as_int('before', min_value=1, max_value=2**31 - 1)
        if before is not None:
            query = query.where(QNetAudit.id < before)
        newest = query.order_by(QNetAudit.id.desc()).limit(count_asked(request))
        rows = [{'id': row.id, **as_dict(row)} for row in store().scalars(newest)]
        okay(response, etag(entries(rows)))
        config.db.commit()


def _moment(request: Any, name: str) -> datetime | None:
    text = request.get_param(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise falcon.HTTPInvalidParam('expected a time (ISO 8601)', name) from None
    if moment.tzinfo is None:
        return moment
    return moment.astimezone(UTC).replace(tzinfo=None)
