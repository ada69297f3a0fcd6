# SPDX-License-Identifier: GPL-3.0-or-later
"""The rule `qnet-dmarc-mitigation`: refuse posts for their author's domain."""

from __future__ import annotations

from typing import Any

from mailman.interfaces.mailinglist import DMARCMitigateAction
from mailman.rules import dmarc as stock
from public import public

from qnet_mailman.mlist import Mlist
from qnet_mailman.pipelines.posting import PostingPipeline
from qnet_mailman.posting.dmarc import is_mitigated

REFUSALS = frozenset({DMARCMitigateAction.discard, DMARCMitigateAction.reject})


@public
class DMARCMitigation(stock.DMARCMitigation):
    """Mailman's own, which asks the DNS only where that decides about the post.

    Whether From has to be written anew is asked when it is (`qnet-dmarc` in
    `handlers/`): of a post that was masked nobody asks it.
    """

    name = 'qnet-dmarc-mitigation'
    description = 'Refuse posts for the DMARC policy of the From: domain.'

    def check(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> bool:
        """See `IRule`.

        :raises NotKnownYet: while the DNS has not answered.
        """
        if (
            mlist.dmarc_mitigate_action not in REFUSALS
            and mlist.posting_pipeline == PostingPipeline.name
        ):
            return False
        theirs = stock.maybe_mitigate
        stock.maybe_mitigate = is_mitigated
        try:
            found: bool = super().check(mlist, msg, msgdata)
        finally:
            stock.maybe_mitigate = theirs
        return found
