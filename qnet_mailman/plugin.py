# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugin as Mailman sees it: its hooks and its place in the REST API."""

from __future__ import annotations

import logging
from typing import Any

from mailman.interfaces.plugin import IPlugin
from public import public
from zope.interface import implementer

from qnet_mailman import site
from qnet_mailman.lists import digests
from qnet_mailman.model import changes
from qnet_mailman.setup import compat, database, logs, startup

log = logging.getLogger('mailman.plugins')


class _Resource:
    """Our REST root, which is read when something of it is first asked for.

    Mailman looks at the plugin's attribute in each process, and most serve nobody.
    """

    def __getattr__(self, name: str) -> Any:
        from qnet_mailman.rest.root import Root

        return getattr(Root(), name)

    def __dir__(self) -> list[str]:
        from qnet_mailman.rest.root import Root

        return dir(Root)


@public
@implementer(IPlugin)
class QNetPlugin:
    """QualityNet Mailer."""

    name = 'qnet'

    def pre_hook(self) -> None:
        """Before the database: a process that works on mail waits for it."""
        logs.install()
        compat.apply()
        database.require_database()

    def post_hook(self) -> None:
        """Set up; a failure is noted and logged, never raised (R32)."""
        if database.program() == 'mailman':
            changes.at_the_command_line()
        digests.install()
        try:
            startup.setup()
        except site.NotReady as error:
            log.critical('Mail stays in its queues: %s', error)

    @property
    def resource(self) -> _Resource:
        """The root of /<api>/plugins/qnet/."""
        return _Resource()
