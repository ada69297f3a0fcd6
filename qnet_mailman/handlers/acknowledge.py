# SPDX-License-Identifier: GPL-3.0-or-later
"""The handler `qnet-acknowledge`: members who want to hear that their post is out."""

from __future__ import annotations

from typing import Any

from mailman.core.i18n import _
from mailman.handlers import acknowledge as stock
from mailman.interfaces.member import MemberRole
from mailman.model.address import Address
from mailman.model.member import Member
from mailman.model.user import User
from public import public
from sqlalchemy import bindparam, select, union

from qnet_mailman.mail.author import author_of
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.base import store
from qnet_mailman.model.statements import unindexed
from qnet_mailman.posting import backscatter
from qnet_mailman.queues.handover import later

_ADDRESS = select(Address.id).where(Address.email == bindparam('email'))
_USER = select(User.id).where(User._preferred_address_id.in_(_ADDRESS))
_MEMBERS = select(Member).where(
    unindexed(Member.list_id) == bindparam('list_id'),
    unindexed(Member.role) == MemberRole.member,
    Member.id.in_(
        union(
            select(Member.id).where(Member.address_id.in_(_ADDRESS)),
            select(Member.id).where(Member.user_id.in_(_USER)),
        )
    ),
)
"""The members that `IRoster.get_member` looks for, without putting a query together."""


@public
class Acknowledge(stock.Acknowledge):
    """Mailman's own, for members whom nobody has made to write.

    Whoever posts in the name of such a member makes us write to them.
    """

    name = 'qnet-acknowledge'
    description = 'Acknowledge a post, within the limits for mail that strangers cause.'

    def process(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
        """See `IHandler`."""
        author = author_of(msg).address
        if author is None or not _wants_to_hear(mlist, author):
            return
        proven = backscatter.is_proven(msg, author)
        subject = (
            msg.get('subject', _('(no subject)')) if proven else '(not shown here)'
        )
        seen = {**msgdata, 'original_sender': author, 'origsubj': subject}

        def send() -> None:
            if backscatter.mail_allowed(author, proven=proven):
                # All that it reads of the post is in the metadata.
                super(Acknowledge, self).process(mlist, msg, seen)

        later(send)


def _wants_to_hear(mlist: Mlist, author: str) -> bool:
    asked = {'list_id': mlist.list_id, 'email': author}
    return any(member.acknowledge_posts for member in store().scalars(_MEMBERS, asked))
