# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailman's own posting chain, or posting rights where a site wants them (R3, R40).

No component that Mailman finds: it stands in the place of Mailman's, by its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mailman.chains.base import Link
from mailman.chains.builtin import BuiltInChain
from mailman.config import config

from qnet_mailman.chains.posting import PostingChain
from qnet_mailman.features import features_of
from qnet_mailman.mlist import Mlist

LEAVING = ('qnet-unsubscribe', 'qnet-wish-to-leave')
"""How one leaves a list of ours (R14); others have their own ways, and policy."""


class DefaultPostingChain(BuiltInChain):
    """The chain that lists of other styles name."""

    def get_links(
        self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]
    ) -> Iterator[Link]:
        """See `IChain`."""
        if not features_of(mlist).posting_rights:
            yield from super().get_links(mlist, msg, msgdata)
            return
        ours = config.chains[PostingChain.name]
        for link in ours.get_links(mlist, msg, msgdata):
            if link.rule.name not in LEAVING:
                yield link
