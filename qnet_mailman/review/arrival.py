# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail to the address for forms: taken from the mail server, left to a runner.

Nothing but the header of a message is read here: it is kept as it came, in a queue
entry that is on the disk before the mail server hears so (R33).

Nobody gets all the places for requests that wait: a sender and a mail domain have a
share each, and some are kept for administrators of lists.
"""

from __future__ import annotations

import logging
import os
from email.utils import make_msgid, parseaddr

from mailman.config import config
from mailman.email.message import Message
from mailman.utilities.datetime import now

from qnet_mailman import site
from qnet_mailman.model import limits
from qnet_mailman.posting.authentication import Servers
from qnet_mailman.review import requests
from qnet_mailman.review.heading import Heading, heading_of
from qnet_mailman.roles import overview
from qnet_mailman.setup import startup

QUEUE = 'forms'
KEY = 'qnet_mail'
"""Of the metadata of a queue entry: the mail, in bytes."""

TOO_LARGE = '552 5.3.4 A mail with request forms can have at most {size} KB'
TOO_MANY_WAIT = '452 4.3.1 Too many request forms wait; try again later'
TOO_MANY_SENT = '452 4.7.1 Too many request forms from you today; try again later'
OF_DOMAIN = 10
"""How many times as many mails a day as one sender those of a mail domain send."""

_ADMINISTRATOR = 'mail with forms of an administrator'

log = logging.getLogger('mailman.smtp')


def is_for_forms(recipient: str) -> bool:
    """Whether an envelope recipient is the address for forms.

    :raises qnet_mailman.site.NotReady: while this process does not know the settings.
    """
    if site.reason_not_ready() is not None:
        startup.setup()
    return parseaddr(recipient)[1].lower() == site.settings().forms_address


def refusal() -> str | None:
    """Why no mail of anybody is taken now, as an LMTP reply; None if some is.

    The mail server keeps the mail, and tries again.
    """
    return None if room(is_known=True) > 0 else TOO_MANY_WAIT


def room(*, is_known: bool) -> int:
    """How many more requests may wait.

    A mail whose forms nobody has counted yet has one place.

    :param is_known: Whether they are those of a known administrator, for whom some of
        the places are kept.
    """
    settings = site.settings()
    most = settings.forms_max_waiting
    if not is_known:
        most -= most * settings.forms_reserved_percent // 100
    return most - requests.how_many() - queued()


def queued() -> int:
    """How many mails the runner has not seen."""
    return len(os.listdir(config.switchboards[QUEUE].queue_directory))


def share_of(sender: str) -> int:
    """How many more requests of a sender who is no known administrator may wait.

    :param sender: Whom a mail claims to be from, in lower case; may be empty.
    """
    settings = site.settings()
    of_sender, of_domain = requests.how_many_of(sender)
    return min(
        settings.forms_waiting_per_sender - of_sender,
        settings.forms_waiting_per_domain - of_domain,
    )


def is_known(heading: Heading) -> bool:
    """Whether a mail comes from somebody who administers a list now (R25).

    Where the site trusts a mail server, that must have shown it (R6); where it trusts
    none, nobody is shown, and the address has to do.
    """
    if not heading.sender:
        return False
    if site.settings().trusted_authserv_ids and not heading.shown_by:
        return False
    return overview.administers_any(heading.sender)


def keep(mail: bytes, envelope_sender: str) -> str:
    """Put a mail into the queue, if its sender may still send one.

    Commits what it counts.

    :return: The LMTP reply.
    """
    settings = site.settings()
    most = settings.form_max_unpacked
    if len(mail) > most:
        return TOO_LARGE.format(size=most // 1024)
    heading = heading_of(mail, envelope_sender, Servers.of(settings))
    refused = _refusal_of(heading, envelope_sender.lower())
    config.db.commit()
    if refused is not None:
        log.warning('No request form taken from %s: %s', envelope_sender, refused)
        return refused
    msg = Message()
    msg['Message-ID'] = make_msgid(domain=settings.domain)
    config.switchboards[QUEUE].enqueue(
        msg, {KEY: mail, 'envelope_sender': envelope_sender, 'received_at': now()}
    )
    return '250 Ok'


def _refusal_of(heading: Heading, envelope_sender: str) -> str | None:
    most = site.settings().forms_mails_per_day
    if is_known(heading):
        # Whoever forges their address uses up nothing of theirs.
        if not limits.allowed(_ADMINISTRATOR, heading.sender, most, limits.DAY):
            return TOO_MANY_SENT
        return None
    if room(is_known=False) <= 0:
        return TOO_MANY_WAIT
    if share_of(heading.sender) <= 0:
        return TOO_MANY_SENT
    # Reports have no sender, and make no request.
    if not envelope_sender:
        return None
    domain = envelope_sender.rpartition('@')[2]
    within = (
        limits.allowed('mail with forms', envelope_sender, most, limits.DAY),
        limits.allowed(
            'mail with forms of a domain', domain, OF_DOMAIN * most, limits.DAY
        ),
    )
    return None if all(within) else TOO_MANY_SENT
