# SPDX-License-Identifier: GPL-3.0-or-later
"""The incoming runner: what is done to posts before the posting chain decides.

They become legible, and tokens of ours that are quoted in them dead (R39).
"""

from __future__ import annotations

from typing import Any

from mailman.runners import incoming
from public import public

from qnet_mailman.mail.legible import make_legible
from qnet_mailman.mlist import Mlist
from qnet_mailman.runners.guard import Guard
from qnet_mailman.subscriptions import replies
from qnet_mailman.subscriptions.quoted import make_dead


@public
class IncomingRunner(Guard, incoming.IncomingRunner):
    """Decides about posts."""

    def _process_one_file(self, msg: Any, msgdata: dict[str, Any]) -> None:
        make_legible(msg)
        super()._process_one_file(msg, msgdata)

    def _dispose(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> bool | None:
        """See `IRunner`."""
        msgdata[replies.ANSWERS] = replies.token_in(mlist, msg) is not None
        make_dead(msg)
        found: bool | None = super()._dispose(mlist, msg, msgdata)
        return found
