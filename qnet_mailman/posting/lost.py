# SPDX-License-Identifier: GPL-3.0-or-later
"""A held message whose text is gone: nothing can be let pass (R33).

Mailman puts a message of its own in its place, "The content of this message was lost",
and sends that to the whole list.  That message is made in one place, for REST (and so
Postorius) and for answers by mail alike; here it is refused there.  The request stays
until it is discarded, or until the text is put back from a backup.  On lists of other
styles Mailman does as it does (R40).
"""

from __future__ import annotations

from typing import Any

from mailman.app import moderator

from qnet_mailman.mlist import Mlist
from qnet_mailman.model.lists import row_of

GONE = (
    'The text of this message is gone, so it cannot be accepted or passed on. It is '
    'held still: if the folder of held messages can be put back from a backup, it can '
    'be accepted then. Otherwise discard it, and ask its author to send it again.'
)


class MessageLost(Exception):
    """A held message cannot be let pass, as its text is gone.

    Over REST it is answered with 409.
    """

    title = 'The text of this message is gone'

    def __init__(self) -> None:
        super().__init__(GONE)


_stock = moderator._lost_message


def _refuse(mlist: Mlist, subject: str, sender: str, message_id: str) -> Any:
    if row_of(mlist) is None:
        return _stock(mlist, subject, sender, message_id)
    raise MessageLost


def refuse_lost_messages() -> None:
    """Let Mailman refuse what it would replace; again is harmless."""
    moderator._lost_message = _refuse
