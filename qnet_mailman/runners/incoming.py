# SPDX-License-Identifier: GPL-3.0-or-later
"""The incoming runner: posts become legible before the posting chain decides."""

from __future__ import annotations

from typing import Any

from mailman.runners import incoming
from public import public

from qnet_mailman.mail.legible import make_legible
from qnet_mailman.runners.guard import Guard


@public
class IncomingRunner(Guard, incoming.IncomingRunner):
    """Decides about posts."""

    def _process_one_file(self, msg: Any, msgdata: dict[str, Any]) -> None:
        make_legible(msg)
        super()._process_one_file(msg, msgdata)
