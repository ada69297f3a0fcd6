# SPDX-License-Identifier: GPL-3.0-or-later
"""The rule `qnet-loop`: the post has been through this list before."""

from __future__ import annotations

from typing import Any

from mailman.interfaces.rules import IRule
from public import public
from zope.interface import implementer


@public
@implementer(IRule)
class Loop:
    """Match posts that carry this list's own List-Id (RFC 2919).

    Mailman's `loop` looks at List-Post, which says NO on a notification list.
    """

    name = 'qnet-loop'
    description = 'Match posts that come back to the list.'
    record = True

    def check(self, mlist: Any, msg: Any, msgdata: dict[str, Any]) -> bool:
        """See `IRule`."""
        marker = f'<{mlist.list_id}>'.lower()
        for value in msg.get_all('list-id', []):
            if marker in ''.join(str(value).lower().split()):
                msgdata['moderation_reasons'] = ['The post comes back to the list']
                return True
        return False
