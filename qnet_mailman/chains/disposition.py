# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain `qnet-disposition`: to the end that the posting rights led to."""

from __future__ import annotations

from typing import Any

from mailman.chains.base import JumpChainBase
from public import public

from qnet_mailman.mlist import Mlist
from qnet_mailman.posting.decision import Fate

ENDS = {
    Fate.hold: 'qnet-hold',
    Fate.confirm: 'qnet-hold',
    Fate.reject: 'qnet-reject',
    Fate.discard: 'discard',
}


@public
class DispositionChain(JumpChainBase):
    """Jump to the chain for a decision of `qnet-posting-rights`."""

    name = 'qnet-disposition'
    description = 'Hold, reject or discard, as the posting rights say.'

    def jump_to(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> str:
        """See `JumpChainBase`."""
        return ENDS[Fate(msgdata['qnet_fate'])]
