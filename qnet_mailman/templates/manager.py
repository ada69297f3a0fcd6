# SPDX-License-Identifier: GPL-3.0-or-later
"""Where texts are that somebody has set, and what is known of them.

The web side hands core each text that is set in Postorius, so that nothing is fetched
while mail is under way, nor from a page that waits for core.  What was set otherwise,
or before, is fetched once in `cache_life` of mailman.cfg.  Where that fails, the last
text that is known serves, else that of the domain, the site or the package: mail never
waits for a web server.

A list of another style, and who asks for no list, has the text that Mailman would give,
and fails as there (R40).
"""

from __future__ import annotations

import logging
import time
from typing import Any
from urllib.parse import urlsplit

from lazr.config import as_timedelta
from mailman.config import config
from mailman.interfaces.template import ITemplateManager
from mailman.model import template as stock
from mailman.utilities import protocols
from mailman.utilities.datetime import now
from mailman.utilities.string import expand
from requests import HTTPError
from sqlalchemy import select
from zope.interface import implementer

from qnet_mailman.model import texts
from qnet_mailman.model.base import read_in_transaction, store
from qnet_mailman.model.lists import row_by_id
from qnet_mailman.templates.fetching import Auth, NotFetched, fetch, way_to

PAUSE = 60
"""Seconds for which a text that could not be fetched is not asked for again."""
NOT_FOUND = 404
_OWN = 'qnet:'
_ROWS = 'texts'

log = logging.getLogger('mailman.plugins')


def auth_of(row: Any) -> Auth:
    """What to show where a text is; None nothing.

    :param row: Of Mailman's table of texts.
    """
    return None if row.username is None else (row.username, row.password or '')


@implementer(ITemplateManager)
class TemplateManager(stock.TemplateManager):
    """Mailman's manager, which knows what it has fetched."""

    def __init__(self) -> None:
        self._failed: dict[str, float] = {}

    def set(
        self,
        name: str,
        context: str | None,
        uri: str,
        username: str | None = None,
        password: str = '',
    ) -> None:
        """See `ITemplateManager`."""
        super().set(name, context, uri, username, password)
        texts.expire(uri)
        self._failed.clear()
        read_in_transaction(_ROWS).clear()

    def delete(self, name: str, context: str | None) -> None:
        """See `ITemplateManager`."""
        row = self.raw(name, context)
        if row is not None:
            texts.forget([row.uri])
        super().delete(name, context)
        read_in_transaction(_ROWS).clear()

    def get(self, name: str, context: str | None, **kws: Any) -> str | None:
        """See `ITemplateManager`."""
        names = (kws.get('list_id'), kws.get('domain_name'), context)
        row = _rows(frozenset(filter(None, names))).get((name, context))
        if row is None:
            return None
        uri = expand(row.uri, None, kws)
        if urlsplit(uri).scheme not in ('http', 'https'):
            text: str = super().get(name, context, **kws)
            return text
        known = texts.known(uri)
        if known is not None and known.is_good:
            return known.text
        if not _is_ours(name, kws.get('list_id')):
            got = _as_stock(uri, auth_of(row))
            if got is None:
                return ''
            text = got
        else:
            try:
                text = self._fetched(name, uri, auth_of(row))
            except NotFetched:
                if known is None:
                    raise
                return known.text
        texts.keep(uri, text, now() + as_timedelta(config.mailman.cache_life))
        return text

    def _fetched(self, name: str, uri: str, auth: Auth) -> str:
        """A text of which nothing good is known.

        :raises NotFetched: as `fetch` does, or because it failed a moment ago.
        """
        if time.monotonic() < self._failed.get(uri, 0):
            raise NotFetched('a moment ago')
        try:
            return fetch(name, uri, auth)
        except NotFetched as error:
            self._failed[uri] = time.monotonic() + PAUSE
            log.error(
                'The web server at %s did not give the text %s: %s; the last one that '
                'is known is used, or that of the package, and mail goes on',
                way_to(uri),
                name,
                error.reason,
            )
            raise


def _rows(contexts: frozenset[str]) -> dict[tuple[str, str | None], Any]:
    """What is set for a list, its domain and the site: one statement for all texts.

    :param contexts: The List-ID and the name of the domain.
    :return: Rows of Mailman's table, by the name of the text and its context.
    """
    known = read_in_transaction(_ROWS)
    if contexts not in known:
        context = stock.Template.context
        rows = store().scalars(
            select(stock.Template).where(context.in_(contexts) | context.is_(None))
        )
        known[contexts] = {(row.name, row.context): row for row in rows}
    found: dict[tuple[str, str | None], Any] = known[contexts]
    return found


def _is_ours(name: str, list_id: str | None) -> bool:
    """Whether a list of ours asks, or the service itself for a text of its own."""
    if list_id is None:
        return name.startswith(_OWN)
    return row_by_id(list_id) is not None


def _as_stock(uri: str, auth: Auth) -> str | None:
    """A text for a list of another style, or Mailman's failure; None: none is there.

    Of that Mailman's own log would have the password.
    """
    try:
        given = {} if auth is None else {'auth': auth}
        text: str = protocols.get(way_to(uri), **given)
    except HTTPError as error:
        if error.response.status_code != NOT_FOUND:
            raise
        log.error('There is no text at %s (status 404)', way_to(uri))
        return None
    return text
