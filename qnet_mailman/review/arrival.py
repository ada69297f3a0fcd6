# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail to the address for forms: taken from the mail server, left to a runner.

Nothing of a message is read here: it is kept as it came, in a queue entry that is on
the disk before the mail server hears so (R33).
"""

from __future__ import annotations

import os
from email.utils import make_msgid, parseaddr

from mailman.config import config
from mailman.email.message import Message
from mailman.utilities.datetime import now

from qnet_mailman import startup
from qnet_mailman.review import requests
from qnet_mailman.subscriptions import limits

QUEUE = 'forms'
KEY = 'qnet_mail'
"""Of the metadata of a queue entry: the mail, in bytes."""

TOO_LARGE = '552 5.3.4 A mail with request forms can have at most {size} KB'
TOO_MANY_WAIT = '452 4.3.1 Too many request forms wait; try again later'
TOO_MANY_SENT = '452 4.7.1 Too many request forms from you today; try again later'


def is_for_forms(recipient: str) -> bool:
    """Whether an envelope recipient is the address for forms.

    :raises startup.NotReady: while this process does not know the settings.
    """
    if startup.reason_not_ready() is not None:
        startup.setup()
    return parseaddr(recipient)[1].lower() == startup.settings().forms_address


def refusal(envelope_sender: str) -> str | None:
    """Why no mail of a sender is taken now, as an LMTP reply; None if it is.

    Counts.  The mail server keeps the mail, and tries again.
    """
    settings = startup.settings()
    queued = len(os.listdir(config.switchboards[QUEUE].queue_directory))
    if requests.how_many() + queued >= settings.forms_max_waiting:
        return TOO_MANY_WAIT
    sender = envelope_sender.lower()
    most = settings.forms_mails_per_day
    # Reports have no sender, and make no request.
    if sender and not limits.allowed('mail with forms', sender, most, limits.DAY):
        return TOO_MANY_SENT
    return None


def keep(mail: bytes, envelope_sender: str) -> str:
    """Put a mail into the queue.

    :return: The LMTP reply.
    """
    most = startup.settings().form_max_unpacked
    if len(mail) > most:
        return TOO_LARGE.format(size=most // 1024)
    msg = Message()
    msg['Message-ID'] = make_msgid(domain=startup.settings().domain)
    config.switchboards[QUEUE].enqueue(
        msg, {KEY: mail, 'envelope_sender': envelope_sender, 'received_at': now()}
    )
    return '250 Ok'
