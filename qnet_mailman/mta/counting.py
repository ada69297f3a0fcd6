# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts copies and what the mail server says to them, for `/metrics`.

By the recipients' domain: who runs their hosts is not known here.  What a provider
answers to a relay of ours comes back as a bounce, and is counted with those.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from mailman.utilities.datetime import now

from qnet_mailman.mlist import Mlist
from qnet_mailman.model import counters, fan_outs
from qnet_mailman.queues.handover import later

NAMED_FROM = 10
"""Copies of one batch to a domain from which on it has a count of its own."""


def count(
    mlist: Mlist | None,
    msg: Any,
    msgdata: dict[str, Any],
    temporary: Iterable[str] = (),
    permanent: Iterable[str] = (),
) -> None:
    """Count a batch that was sent, in the transaction of its queue entry.

    :param temporary: The recipients who are to be tried again.
    :param permanent: Those who were refused.
    """
    recipients = set(msgdata['recipients'])
    answers = {'temporary': set(temporary), 'permanent': set(permanent)}
    answers['accepted'] = recipients.difference(*answers.values())
    batch = Counter(map(_domain, recipients))
    for answer, some in answers.items():
        for domain, times in Counter(map(_domain, some)).items():
            label = domain if batch[domain] >= NAMED_FROM else counters.OTHER
            counters.add('copies', label, answer, times)
    accepted = len(answers['accepted'])
    came = _came(msgdata)
    if mlist is None or came is None or not accepted:
        return
    if not msgdata.get('to_list') or msgdata.get('isdigest'):
        return
    moment, message_id = now(), str(msg.get('message-id', ''))
    later(
        lambda: fan_outs.note(
            mlist.list_id, message_id, came=came, copies=accepted, moment=moment
        )
    )


def _domain(address: str) -> str:
    return address.rpartition('@')[2].lower()


def _came(msgdata: dict[str, Any]) -> datetime | None:
    """When a post came, in UTC without a zone; None where it waited for a person."""
    came = msgdata.get('received_time')
    if not isinstance(came, datetime) or msgdata.get('moderator_approved'):
        return None
    return came if came.tzinfo is None else came.astimezone(UTC).replace(tzinfo=None)
