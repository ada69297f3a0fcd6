# SPDX-License-Identifier: GPL-3.0-or-later
"""The handler `qnet-rfc-2369`: the list's own List-* fields, and no others."""

from __future__ import annotations

from typing import Any

from mailman.handlers.rfc_2369 import RFC2369 as Stock
from public import public

from qnet_mailman.mail.fields import remove_fields
from qnet_mailman.mail.text import encode_words
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.lists import row_of

WORD_BYTES = 36
"""Bytes of UTF-8 that one encoded word surely has room for (RFC 2047 section 2)."""


@public
class ListFields(Stock):
    """Mailman's `rfc-2369`, which lets some fields of other lists pass.

    Mail programs offer what these fields say: another list's archive, or an address to
    leave that the author of the post has chosen.
    """

    name = 'qnet-rfc-2369'
    description = 'Put our own List-* fields in place of any others.'

    def process(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
        """See `IHandler`."""
        if row_of(mlist) is None:
            super().process(mlist, msg, msgdata)
            return
        remove_fields(msg, lambda name: name.startswith('list-'))
        del msg['archived-at']
        super().process(mlist, msg, msgdata)
        if 'List-Id' in msg:
            msg.replace_header('List-Id', list_id_of(mlist))


def list_id_of(mlist: Mlist) -> str:
    """The value of List-Id: the display name, in one encoded word if it needs any.

    Mailman writes the description, which may be a text of several lines, in as many
    words as that takes; RFC 2919 section 3 wants a phrase.
    """
    name = ' '.join(mlist.display_name.split())
    if not name.isascii():
        # The last character goes below, if any has to.
        name = name[: WORD_BYTES + 1]
    phrase = name
    while len(phrase.encode('utf-8', 'replace')) > WORD_BYTES and not phrase.isascii():
        name = name[:-1]
        phrase = f'{name.rstrip()}…'
    words = encode_words(phrase)
    if words == phrase:
        escaped = phrase.replace('\\', r'\\').replace('"', r'\"')
        words = f'"{escaped}"'
    return f'{words} <{mlist.list_id}>' if name else f'<{mlist.list_id}>'
