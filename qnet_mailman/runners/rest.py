# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailman's REST runner, which knows who acts, with limits for what it takes, and when.

See :mod:`..rest.acting`, :mod:`..rest.limits` and :mod:`..rest.patience`.  Its logs
follow their file's name, in its workers, too (:mod:`..setup.logs`).
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from gunicorn import glogging
from mailman.interfaces.runner import RunnerInterrupt
from mailman.rest.gunicorn import make_gunicorn_server
from mailman.runners import rest
from public import public
from sqlalchemy.orm import configure_mappers

from qnet_mailman.rest import limits, refusals
from qnet_mailman.rest import root as root  # Its workers share what is read before.
from qnet_mailman.rest.acting import signed
from qnet_mailman.rest.patience import patient
from qnet_mailman.setup import logs


class Logger(glogging.Logger):
    """gunicorn's, which makes its handlers itself, anew at each reload."""

    def setup(self, cfg: Any) -> None:
        """See gunicorn."""
        super().setup(cfg)
        for old, new in logs.follow([self.error_log, self.access_log]).items():
            # By this it knows, at the next reload, which are its own.
            new._gunicorn = True  # type: ignore[attr-defined]
            old.close()


@public
class RESTRunner(rest.RESTRunner):
    """Serves the same resources."""

    def run(self) -> None:
        """See `IRunner`."""
        server = make_gunicorn_server()
        application = refusals.answer(server.application)
        server.application = patient(limits.limit(application, signed))
        # Its settings are made anew of these when it is told to reload.
        server.options['logger_class'] = Logger
        server.do_load_config()
        # What its workers need anyway, which share it.
        configure_mappers()
        with suppress(RunnerInterrupt):
            server.run()
