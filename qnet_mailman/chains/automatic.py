# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain `qnet-automatic`: mail that a program wrote ends here (R5)."""

from __future__ import annotations

from typing import Any

from mailman.chains.base import JumpChainBase
from public import public

from qnet_mailman.mail.author import author_of
from qnet_mailman.mail.automatic import sent_out
from qnet_mailman.mlist import Mlist
from qnet_mailman.posting import notices
from qnet_mailman.posting.decision import Standing
from qnet_mailman.posting.standing import identify


@public
class AutomaticChain(JumpChainBase):
    """Discard, and tell a person with posting privileges whose announcement it was.

    Tools that send out surveys and newsletters call what they send bulk.
    """

    name = 'qnet-automatic'
    description = 'Discard mail that a program wrote.'

    def jump_to(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> str:
        """See `JumpChainBase`."""
        mark = sent_out(msg)
        if mark is not None:
            person = identify(mlist, author_of(msg).address)
            if person.standing is Standing.poster and person.email is not None:
                notices.looked_automatic(mlist, msg, person.email, mark)
        return 'discard'
