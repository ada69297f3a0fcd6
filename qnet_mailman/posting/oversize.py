# SPDX-License-Identifier: GPL-3.0-or-later
"""A post that our own mail server takes no more of, for its size (R36).

The list took it, and nobody gets it: its author is told, once, and once a day for each
list.  That is known where it is delivered, when a masked post says no more who wrote
it.  So the pipeline notes for each post whether there is somebody to be told; who that
is, the audit log knows of a masked post (R10), and the entry of the queue of any other.
"""

from __future__ import annotations

from email.message import Message
from typing import Any

from mailman.app.replybot import can_acknowledge
from mailman.utilities.datetime import now
from sqlalchemy import select

from qnet_mailman.clock import in_words
from qnet_mailman.mail.author import author_of
from qnet_mailman.mail.automatic import automatic
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import audit, limits
from qnet_mailman.model.base import store
from qnet_mailman.posting import backscatter
from qnet_mailman.templates.sending import AUTO_REPLIED, one_line, send

AUTHOR = 'qnet_author'
"""Of a post on its way: the address of its author; empty where it is masked.

Missing where nobody is to be told: a program wrote the post, or nobody knows who."""

_KEY = 'post too large'


def note_author(msg: Message, msgdata: dict[str, Any], *, masked: bool) -> None:
    """Note whom to tell of a post, while it still says who wrote it.

    :param msg: As it came.
    :param masked: Whether it will say so no more; then nor do its entries of queues.
    """
    author = author_of(msg).address
    if author is not None and automatic(msg) is None and can_acknowledge(msg):
        msgdata[AUTHOR] = '' if masked else author


def tell_author(
    mlist: Mlist, msg: Message, msgdata: dict[str, Any], reply: str
) -> None:
    """Tell the author of a post that it was not delivered; once a day for each list.

    Part of the caller's transaction.

    :param msg: As it is delivered.
    :param msgdata: Forgets the author: when it is tried again, nothing is said.
    :param reply: What the mail server answered.
    """
    author = msgdata.pop(AUTHOR, None)
    if author == '':
        author = _masked_author(mlist, str(msg.get('message-id', '')))
    if not author or not limits.allowed(
        _KEY, f'{mlist.list_id} {author}', 1, limits.DAY
    ):
        return
    # Anybody may have written in the author's name.
    if not backscatter.mail_allowed(author):
        return
    send(
        mlist,
        author,
        'qnet:user:notice:too-large',
        f'Your message to {mlist.display_name} was not delivered',
        {'moment': in_words(now()), 'reply': one_line(reply)},
        automatic=AUTO_REPLIED,
    )


def _masked_author(mlist: Mlist, delivered_id: str) -> str | None:
    """Who wrote a masked post; None where that is not known."""
    return store().scalar(
        select(audit.QNetAudit.actor)
        .where(
            audit.QNetAudit.list_id == mlist.list_id,
            audit.QNetAudit.action == audit.Action.post_masked.value,
            audit.QNetAudit.subject == delivered_id,
        )
        .order_by(audit.QNetAudit.id.desc())
        .limit(1)
    )
