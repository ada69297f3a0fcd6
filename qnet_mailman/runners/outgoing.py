# SPDX-License-Identifier: GPL-3.0-or-later
"""The outgoing runner: Mailman's own, where a refused recipient is a bounce (R16).

Mailman registers permanent refusals with the bounce processor, which is ours and
scores them.  It drops temporary ones without a word once it gave up; here they are
registered then.  When to try again, and for how long, is as in Mailman.

A message to many is first split into entries of the queue with at most 1,000 recipients
each.  A runner that is killed repeats the one it was at (R33); posts take turns
(:class:`.handover.FairInbox`); and every slice works at a large post.

A post that Mailman has prepared before its list was adopted is masked here (R40).

Where our own mail server takes less than a list, its administrators and the author of
the post are told (R36).

What the site itself writes belongs to no list, and a refusal of it is nobody's bounce.

Where `[mta] outgoing` is somebody else's, lists of ours do not send: their mail waits.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from typing import Any

from mailman.interfaces.mta import SomeRecipientsFailed
from mailman.interfaces.pipeline import DiscardMessage
from mailman.runners import outgoing
from mailman.utilities.datetime import now
from public import public

from qnet_mailman.bounces.refusals import note_relay_takes_less
from qnet_mailman.features import features_of
from qnet_mailman.handlers.mask import mask_late
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.lists import row_of
from qnet_mailman.model.statements import chunks
from qnet_mailman.mta import counting, hosts, refusal
from qnet_mailman.mta.deliver import IS_OURS
from qnet_mailman.posting import oversize
from qnet_mailman.queues.handover import FairInbox
from qnet_mailman.runners.guard import Guard
from qnet_mailman.setup import mailman_cfg
from qnet_mailman.subscriptions.one_click import BATCH
from qnet_mailman.templates.sending import SITE_MAIL

PARTS = 32
"""Entries that one is split into at most: each holds the message.  What is still too
large is split again when its turn comes."""

LOOK_EVERY = 1.0
"""Seconds after which the runner looks for new entries before it takes the next."""

log = logging.getLogger('mailman.smtp')


class _Outgoing(outgoing.OutgoingRunner):
    """An outgoing runner without its guard."""

    def _process_one_file(self, msg: Any, msgdata: dict[str, Any]) -> None:
        if SITE_MAIL not in msgdata:
            super()._process_one_file(msg, msgdata)
        elif self._dispose(None, msg, msgdata):
            self.switchboard.enqueue(msg, msgdata)


@public
class OutgoingRunner(Guard, _Outgoing):
    """Delivers."""

    inbox = FairInbox
    speaks = False
    _looked = 0.0

    def __init__(self, *args: Any, **kws: Any) -> None:
        super().__init__(*args, **kws)
        self._deliver: Any = self._func  # type: ignore[has-type]
        self._func = self._attempt

    def _obstacle(self) -> str | None:
        """See `Guard`: also that the configuration names no mail server."""
        try:
            hosts.configured()
        except ValueError as error:
            return str(error)
        return super()._obstacle()

    def _why_ours_stay(self) -> str | None:
        """See `Guard`."""
        return super()._why_ours_stay() or mailman_cfg.reason_not_to_send()

    def _one_iteration(self) -> int:
        """See `IRunner`."""
        self._looked = time.monotonic()
        found: int = super()._one_iteration()
        assert isinstance(self.switchboard, FairInbox)
        # Where others work on all that is there, there is nothing to do.
        return min(found, self.switchboard.number_taken)

    def _short_circuit(self) -> bool:
        """See `IRunner`: whether to look what is in the queue."""
        return super()._short_circuit() or time.monotonic() - self._looked > LOOK_EVERY

    def _dispose(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> bool | None:
        """See `IRunner`."""
        recipients = msgdata.get('recipients') or ()
        row = None if mlist is None else row_of(mlist)
        if mlist is not None:
            # It may be adopted or handed back from here on.
            msgdata[IS_OURS] = row is not None
        if row is not None and msgdata.get('to_list'):
            try:
                mask_late(mlist, msg)
            except DiscardMessage as error:
                log.error('%s: %s', msg.get('message-id', 'n/a'), error.message)
                return False
        if len(recipients) > BATCH and (mlist is None or row is not None):
            assert self.switchboard is not None
            for part in parts(recipients):
                self.switchboard.enqueue(msg, msgdata, recipients=part)
            return False
        if row is not None:
            # Whatever the site has set for other lists.
            msgdata.setdefault('verp', row.personal)
        return super()._dispose(mlist, msg, msgdata)

    def _send(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
        """Deliver, and count what the mail server says."""
        try:
            self._deliver(mlist, msg, msgdata)
        except SomeRecipientsFailed as failed:
            refused = [each[0] for each in failed.permanent_failures]
            counting.count(mlist, msg, msgdata, failed.temporary_failures, refused)
            raise
        counting.count(mlist, msg, msgdata)

    def _attempt(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
        """Deliver; a recipient who is given up is one who was refused for good."""
        try:
            self._send(mlist, msg, msgdata)
        except refusal.RecipientsFailed as failed:
            temporary = failed.temporary_failures
            permanent = list(failed.permanent_failures)
            if temporary and _gives_up(len(temporary), msgdata):
                log.error(
                    '%s: given up for %d recipients',
                    msg.get('message-id', 'n/a'),
                    len(temporary),
                )
                temporary = []
                permanent += [
                    (recipient, code, text)
                    for recipient, (code, text) in failed.replies.items()
                    if code != refusal.NO_REPLY
                ]
            if mlist is not None and failed.too_large:
                note_relay_takes_less(mlist, failed.too_large, now=now())
                oversize.tell_author(mlist, msg, msgdata, failed.too_large)
            if mlist is None:
                # What the server said is in the log.
                permanent = []
            if temporary or permanent:
                raise SomeRecipientsFailed(temporary, permanent) from failed

    def _fake_dsn(self, mlist: Mlist, recipient: str, code: int, reply: Any) -> Any:
        if not features_of(mlist).bounce_scores:
            return super()._fake_dsn(mlist, recipient, code, reply)
        return refusal.report(mlist, recipient, code, reply)


def parts(recipients: Iterable[str]) -> Iterator[list[str]]:
    """Recipients in at most `PARTS` parts, of whole batches but for the last."""
    ordered = sorted(recipients)
    batches = -(-len(ordered) // BATCH)
    return chunks(ordered, -(-batches // PARTS) * BATCH)


def _gives_up(remaining: int, msgdata: dict[str, Any]) -> bool:
    """Whether Mailman's own runner would now drop the message."""
    moment = now()
    return remaining == msgdata.get('last_recip_count', 0) and moment > msgdata.get(
        'deliver_until', moment
    )
