# SPDX-License-Identifier: GPL-3.0-or-later
"""The files attached to a mail that was saved as `.eml` (R29).

Names of attachments are a stranger's: they are compared and shown, and never stand
for a place on this host.
"""

from __future__ import annotations

import email
import email.policy
from pathlib import PurePosixPath

from qnet_mailman.forms.readers import Unreadable, too_large
from qnet_mailman.mail.text import decode_words
from qnet_mailman.settings import Settings

MAX_PARTS = 10_000


def attachments(content: bytes, settings: Settings) -> list[tuple[str, bytes]]:
    """The attached files, in the order of the mail, with those of forwarded mails.

    :raises Unreadable: if one is too large, or there are too many parts.
    """
    found: list[tuple[str, bytes]] = []
    try:
        message = email.message_from_bytes(content, policy=email.policy.compat32)
        for number, part in enumerate(message.walk()):
            if number >= MAX_PARTS:
                raise Unreadable(f'has more than {MAX_PARTS} parts')
            name = part.get_filename()
            if name is None or part.is_multipart():
                continue
            # RFC 2047 in a parameter is not allowed (section 5), and common.
            name = PurePosixPath(decode_words(name).replace('\\', '/')).name
            data = part.get_payload(decode=True)
            if not isinstance(data, bytes):
                continue
            if len(data) > settings.form_max_size:
                raise too_large(settings.form_max_size, 'form_max_size', name)
            found.append((name, data))
    except (Unreadable, MemoryError):
        raise
    except Exception:
        # The parser raises many things at headers that break its own rules.
        raise Unreadable('is not a mail that can be read') from None
    return found
