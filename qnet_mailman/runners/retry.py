# SPDX-License-Identifier: GPL-3.0-or-later
"""The retry runner: knows mail of the site, which belongs to no list."""

from __future__ import annotations

from typing import Any

from mailman.runners import retry
from public import public

from qnet_mailman.runners.guard import Guard
from qnet_mailman.templates.sending import SITE_MAIL


class _Retry(retry.RetryRunner):
    """A retry runner without its guard."""

    def _process_one_file(self, msg: Any, msgdata: dict[str, Any]) -> None:
        if SITE_MAIL in msgdata:
            self._dispose(None, msg, msgdata)
        else:
            super()._process_one_file(msg, msgdata)


@public
class RetryRunner(Guard, _Retry):
    """Brings back what could not be delivered."""
