# SPDX-License-Identifier: GPL-3.0-or-later
"""The handler `qnet-to-digest`: a copy of the post for the next digest."""

from __future__ import annotations

import copy
import quopri
import re
from email.message import Message
from typing import Any

from mailman.config import config
from mailman.interfaces.handler import IHandler
from public import public
from zope.interface import implementer

from qnet_mailman.lists.closing import ANNOUNCEMENT
from qnet_mailman.mlist import Mlist

_FROM_LINE = re.compile(rb'^From ', re.MULTILINE)


@public
@implementer(IHandler)
class ToDigest:
    """Mailman's `to-digest`, which must not alter the text of a post (R9).

    It collects posts in a mail folder, whose writer puts ``>`` before a line that
    begins with ``From ``, and does so in the message at hand as well.
    """

    name = 'qnet-to-digest'
    description = 'Add the post to the digest, its text unaltered.'

    def process(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
        """See `IHandler`."""
        if not mlist.digests_enabled or msgdata.get(ANNOUNCEMENT):
            return
        own = copy.deepcopy(msg)
        for part in own.walk():
            _protect(part)
        config.handlers['to-digest'].process(mlist, own, msgdata)


def _protect(part: Message) -> None:
    """Write "From " at the start of a line so that nobody mistakes it."""
    encoding = str(part.get('content-transfer-encoding', '7bit')).strip().lower()
    if part.is_multipart() or encoding in ('base64', 'quoted-printable'):
        return
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes) or not _FROM_LINE.search(data):
        return
    del part['content-transfer-encoding']
    part['Content-Transfer-Encoding'] = 'quoted-printable'
    encoded = _FROM_LINE.sub(b'=46rom ', quopri.encodestring(data))
    part.set_payload(encoded.decode('ascii'))
