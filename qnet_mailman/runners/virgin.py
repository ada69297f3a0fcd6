# SPDX-License-Identifier: GPL-3.0-or-later
"""The virgin runner: what Mailman itself writes is marked as automatic (RFC 3834)."""

from __future__ import annotations

from typing import Any

from mailman.runners import virgin
from public import public

from qnet_mailman.mlist import Mlist
from qnet_mailman.runners.guard import Guard


@public
class VirginRunner(Guard, virgin.VirginRunner):
    """Sends what Mailman itself writes, marked as automatic.

    RFC 3834 section 5: whatever a program writes says so, lest another
    program answers it.  Stock marks nothing.
    """

    def _dispose(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> bool | None:
        if not msgdata.get('isdigest') and 'auto-submitted' not in msg:
            msg['Auto-Submitted'] = 'auto-generated'
        return super()._dispose(mlist, msg, msgdata)
