# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailman's REST runner, with limits for what it takes, and when.

See :mod:`..rest.limits` and :mod:`..rest.patience`.
"""

from __future__ import annotations

from contextlib import suppress

from mailman.interfaces.runner import RunnerInterrupt
from mailman.rest.gunicorn import make_gunicorn_server
from mailman.runners import rest
from public import public

from qnet_mailman.rest import limits
from qnet_mailman.rest.patience import patient


@public
class RESTRunner(rest.RESTRunner):
    """Serves the same resources."""

    def run(self) -> None:
        """See `IRunner`."""
        server = make_gunicorn_server()
        server.application = patient(limits.limit(server.application))
        with suppress(RunnerInterrupt):
            server.run()
