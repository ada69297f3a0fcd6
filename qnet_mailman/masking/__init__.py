# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept and what is rewritten of a masked message (R7-R9).

Pure: a message in, a message out; no database, no Mailman configuration.

keep.py has the allow lists; message.py has :func:`mask`, which builds the message
anew from headers.py (the header) and parts.py (everything below it); calendars.py,
cards.py and signatures.py know one kind of content each; secrets.py knows what must
not be readable afterwards.
"""

from __future__ import annotations

from qnet_mailman.masking.claims import authors
from qnet_mailman.masking.headers import referenced_ids
from qnet_mailman.masking.identity import CannotMask, ListIdentity, Sender
from qnet_mailman.masking.message import mask

__all__ = [
    'CannotMask',
    'ListIdentity',
    'Sender',
    'authors',
    'mask',
    'referenced_ids',
]
