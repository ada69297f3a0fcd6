# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive runner, behind the guard."""

from __future__ import annotations

from typing import Any

from mailman.interfaces.pipeline import DiscardMessage
from mailman.runners import archive
from public import public

from qnet_mailman.handlers.mask import mask_late
from qnet_mailman.mail.charsets import settle_contents
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.lists import row_of
from qnet_mailman.runners.guard import Guard


@public
class ArchiveRunner(Guard, archive.ArchiveRunner):
    """Hands posts to the archivers, with texts that these can read."""

    speaks = False

    def _dispose(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> bool | None:
        """See `IRunner`."""
        if row_of(mlist) is not None:
            try:
                # One that Mailman has prepared before the list was adopted (R10, R40).
                mask_late(mlist, msg)
            except DiscardMessage:
                return False
            settle_contents(msg)
        return super()._dispose(mlist, msg, msgdata)
