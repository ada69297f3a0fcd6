# SPDX-License-Identifier: GPL-3.0-or-later
"""The virgin runner: what Mailman itself writes looks like the service's other mail."""

from __future__ import annotations

from typing import Any

from mailman.runners import virgin
from public import public

from qnet_mailman.mlist import Mlist
from qnet_mailman.model.lists import row_of
from qnet_mailman.runners.guard import Guard
from qnet_mailman.templates.dress import dress
from qnet_mailman.templates.sending import (
    AUTO_GENERATED,
    NO_REPLIES,
    NO_REPLIES_OF_ANY_KIND,
)


@public
class VirginRunner(Guard, virgin.VirginRunner):
    """Sends what Mailman itself writes, with a name, in HTML too, marked as automatic.

    RFC 3834 section 5: whatever a program writes says so, lest another
    program answers it; Exchange heeds a field of its own.  Stock marks nothing, and so
    on its lists nothing is (R40).
    """

    def _dispose(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> bool | None:
        if not msgdata.get('isdigest') and row_of(mlist) is not None:
            if 'auto-submitted' not in msg:
                msg['Auto-Submitted'] = AUTO_GENERATED
            if NO_REPLIES not in msg:
                msg[NO_REPLIES] = NO_REPLIES_OF_ANY_KIND
            dress(msg, mlist)
        return super()._dispose(mlist, msg, msgdata)
