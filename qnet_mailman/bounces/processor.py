# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailman's bounce processor, in whose place ours scores at once.

Mailman's own writes an event, and every bounce runner walks over all unprocessed
events later, in its own time.  Here `register` is the same door that reports go
through (`receiving.score`), and there are no events.  Those of lists of other styles
are Mailman's (:mod:`.other_lists`).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mailman.interfaces.bounce import BounceContext, IBounceEvent, IBounceProcessor
from mailman.model.bounce import BounceProcessor
from mailman.utilities.datetime import now
from public import public
from zope.interface import implementer

from qnet_mailman.bounces import receiving
from qnet_mailman.bounces.reading.classify import classify, classify_reply
from qnet_mailman.bounces.reading.provider import refusing_host
from qnet_mailman.bounces.reading.verdict import Failure, Kind, Reason
from qnet_mailman.bounces.whose import Place
from qnet_mailman.mlist import Mlist
from qnet_mailman.mta.refusal import Refusal

log = logging.getLogger('mailman.bounce')


@implementer(IBounceEvent)
@dataclass
class Event:
    """What `register` gives back; it is in no table."""

    list_id: str
    email: str
    timestamp: datetime
    message_id: str | None
    context: BounceContext
    processed: bool = True


@public
@implementer(IBounceProcessor)
class Processor(BounceProcessor):
    """See `IBounceProcessor`."""

    def register(
        self, mlist: Mlist, email: str, msg: Any, where: BounceContext | None = None
    ) -> Any:
        """See `IBounceProcessor`: scores the bounce at once."""
        place = Place.of(mlist)
        if not place.is_scored:
            return super().register(mlist, email, msg, where)
        moment = now()
        if isinstance(email, bytes):
            email = email.decode('utf-8', 'replace')
        event = Event(
            mlist.list_id,
            email,
            moment,
            msg.get('message-id'),
            where or BounceContext.normal,
        )
        if mlist.process_bounces:
            receiving.score(place, email, _failure(email, msg), msg, now=moment)
        return event


def _failure(email: str, msg: Any) -> Failure:
    if isinstance(msg, Refusal):
        kind, reason = classify_reply(msg.code, None, msg.text)
        return Failure(
            email,
            kind,
            reason,
            status=msg.status,
            reply_code=str(msg.code),
            evidence=' '.join(f'{msg.code} {msg.text}'.split())[:200],
            host=refusing_host(msg.text),
        )
    verdict = classify(msg, verp_address=email)
    if verdict.failures:
        return verdict.failures[0]
    # Whoever registers a bounce says that it is one (R16).
    return Failure(email, Kind.hard, Reason.undetermined, evidence=verdict.evidence)
