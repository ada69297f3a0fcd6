# SPDX-License-Identifier: GPL-3.0-or-later
"""The handler `qnet-cook-headers`: Reply-To, Cc and what Mailman adds to a header."""

from __future__ import annotations

from typing import Any

from mailman.handlers.cook_headers import CookHeaders as Stock
from public import public

from qnet_mailman.mail.addresses import mailboxes
from qnet_mailman.mail.fields import raw_values
from qnet_mailman.mail.text import raw_text
from qnet_mailman.mlist import Mlist
from qnet_mailman.mta.fields import in_ascii


@public
class CookHeaders(Stock):
    """Mailman's `cook-headers`, which fails at an address with raw 8-bit text.

    So does what it does for DMARC, later on.  Such fields are written in ASCII before,
    as they are in each copy anyway (:mod:`qnet_mailman.mta.fields`).
    """

    name = 'qnet-cook-headers'
    description = 'Modify message headers.'

    def process(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
        """See `IHandler`."""
        for name in ('Reply-To', 'Cc'):
            values = raw_values(msg, name.lower())
            if all(value.isascii() for value in values):
                continue
            del msg[name]
            if name == 'Cc':
                msg[name] = in_ascii(name, ', '.join(values))
                continue
            boxes = [box for value in values for box in mailboxes(raw_text(value))]
            if usable := [str(box) for box in boxes if box.address]:
                msg[name] = ', '.join(usable)
        super().process(mlist, msg, msgdata)
