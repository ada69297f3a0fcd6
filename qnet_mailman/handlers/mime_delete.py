# SPDX-License-Identifier: GPL-3.0-or-later
"""The handler `qnet-mime-delete`: content filters that lose nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mailman.handlers import mime_delete as stock
from mailman.interfaces.pipeline import DiscardMessage, RejectMessage
from mailman.model.mime import ContentFilter
from public import public
from sqlalchemy import bindparam, exists, select

from qnet_mailman.mail import structure
from qnet_mailman.mail.author import author_of
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.base import store
from qnet_mailman.posting import notices


@public
class MIMEDelete(stock.MIMEDelete):
    """Mailman's own, which also takes what no filter names.

    - What it rejects, Mailman would send back whole to `From`.
    - A list that filters, and has named nothing to be filtered yet, would lose all
      HTML and every invitation.
    - At a file that is the only part of a post, or stands beside an empty text,
      Mailman fails: it decodes it as text.
    """

    name = 'qnet-mime-delete'
    description = 'Filter the content of posts.'

    def process(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
        """See `IHandler`."""
        if not _filters_something(mlist):
            return
        if msg.get_content_maintype() == 'multipart' and not msg.is_multipart():
            # It says that it has parts and has none, where Mailman looks for one.
            msg.replace_header('Content-Type', 'text/plain')
        try:
            with _mended():
                super().process(mlist, msg, msgdata)
        except RejectMessage as error:
            reason = str(error)
            notices.rejected(mlist, msg, author_of(msg).address, reason)
            raise DiscardMessage(reason) from error


_NAMED = select(exists().where(ContentFilter.mailing_list_id == bindparam('list')))


def _filters_something(mlist: Mlist) -> bool:
    # Mailman asks for each of four kinds.
    return bool(
        mlist.convert_html_to_plaintext or store().scalar(_NAMED, {'list': mlist.id})
    )


@contextmanager
def _mended() -> Iterator[None]:
    """Within this, the handler of Mailman's uses functions of ours."""
    ours = {
        'reset_payload': structure.keep_alone,
        'recast_multipart': structure.recast,
        'collapse_multipart_alternatives': structure.collapse_alternatives,
    }
    theirs = {name: getattr(stock, name) for name in ours}
    try:
        for name, function in ours.items():
            setattr(stock, name, function)
        yield
    finally:
        for name, function in theirs.items():
            setattr(stock, name, function)
