# SPDX-License-Identifier: GPL-3.0-or-later
"""The rule `qnet-posting-rights`: the post is not simply delivered (R3, R4, R6)."""

from __future__ import annotations

from typing import Any

from mailman.interfaces.rules import IRule
from public import public
from zope.interface import implementer

from qnet_mailman import site
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.lists import member_authentication_of, replies_of, type_of
from qnet_mailman.posting.authentication import Servers, shown_by
from qnet_mailman.posting.decision import Fate, Standing, decide
from qnet_mailman.posting.standing import fate_of
from qnet_mailman.settings import PosterAuthentication


@public
@implementer(IRule)
class PostingRights:
    """Match posts whose author may not simply post.

    Leaves `qnet_fate` in the metadata for the chain `qnet-disposition`.
    """

    name = 'qnet-posting-rights'
    description = 'Match posts of people who may not simply post.'
    record = True

    def check(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> bool:
        """See `IRule`."""
        settings = site.settings()
        author = msgdata['qnet_author']
        standing = Standing(msgdata['qnet_standing'])
        personal = msgdata['qnet_personal']
        members = member_authentication_of(mlist)
        shown = None
        if standing is Standing.poster or members is not PosterAuthentication.off:
            shown = author and shown_by(msg, author, Servers.of(settings))
        decision = decide(
            type_of(mlist),
            replies_of(mlist),
            standing,
            settings.poster_authentication,
            members=members,
            shown=bool(shown),
            personal=personal and Fate(personal),
            nonmember=fate_of(mlist.default_nonmember_action) or Fate.hold,
        )
        msgdata['qnet_fate'] = decision.fate.value
        if decision.fate is Fate.deliver:
            return False
        msgdata['moderation_sender'] = author or ''
        msgdata['moderation_reasons'] = [decision.reason]
        return True
