# SPDX-License-Identifier: GPL-3.0-or-later
"""The handler `qnet-dmarc`: another From, where its domain's DMARC policy needs it."""

from __future__ import annotations

from email.utils import parseaddr
from typing import Any

from mailman.handlers import dmarc as stock
from mailman.interfaces.mailinglist import DMARCMitigateAction
from public import public

from qnet_mailman.mlist import Mlist
from qnet_mailman.posting.dmarc import is_mitigated

REWRITES = frozenset({DMARCMitigateAction.munge_from, DMARCMitigateAction.wrap_message})


@public
class DMARC(stock.DMARC):
    """Mailman's own, which finds out about the policy itself.

    The From of a post that was masked is the list's: no policy matters then.
    """

    name = 'qnet-dmarc'
    description = 'Apply DMARC mitigations.'

    def process(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
        """See `IHandler`.

        :raises NotKnownYet: while the DNS has not answered.
        """
        author = parseaddr(str(msg.get('from', '')))[1]
        if (
            mlist.dmarc_mitigate_action in REWRITES
            and not mlist.dmarc_mitigate_unconditionally
            and author.lower() != mlist.posting_address.lower()
            and is_mitigated(mlist, author)
        ):
            msgdata['dmarc'] = True
        super().process(mlist, msg, msgdata)
