# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain `qnet-dmarc`: posts that a list refuses for their author's DMARC policy."""

from __future__ import annotations

from typing import Any

from mailman.chains.dmarc import DMARCMitigationChain
from public import public

from qnet_mailman.mlist import Mlist


@public
class DMARCChain(DMARCMitigationChain):
    """Mailman's own, with our notice: Mailman sends the whole post back to `From`."""

    name = 'qnet-dmarc'
    description = 'Reject or discard for DMARC.'

    def jump_to(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> str:
        """See `JumpChainBase`."""
        chain: str = super().jump_to(mlist, msg, msgdata)
        return 'qnet-reject' if chain == 'reject' else chain
