# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain `qnet-header-match`: the header filters of the site and the list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mailman.chains.base import Link
from mailman.config import config
from mailman.interfaces.chain import IChain, LinkAction
from public import public
from zope.interface import implementer

from qnet_mailman.mlist import Mlist
from qnet_mailman.model.lists import type_of
from qnet_mailman.values import ListType

OURS = {'hold': 'qnet-hold', 'reject': 'qnet-reject'}


@public
@implementer(IChain)
class HeaderMatchChain:
    """Mailman's header filters, with our notices.

    On a notification list a filter that accepts is passed over: anybody can
    write a header, and only people with posting privileges may post (R3).
    """

    name = 'qnet-header-match'
    description = 'Header filters, within the posting rights.'

    def get_links(
        self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]
    ) -> Iterator[Link]:
        """See `IChain`."""
        one_way = type_of(mlist) is ListType.notification
        for link in config.chains['header-match'].get_links(mlist, msg, msgdata):
            target = None if link.chain is None else link.chain.name
            if target == 'accept' and one_way:
                continue
            if link.action is LinkAction.jump and target in OURS:
                yield Link(link.rule, LinkAction.jump, OURS[target])
            else:
                yield link
