# SPDX-License-Identifier: GPL-3.0-or-later
"""The outgoing runner: Mailman's own, where a refused recipient is a bounce (R16).

Mailman registers permanent refusals with the bounce processor, which is ours and
scores them.  It drops temporary ones without a word once it gave up; here they are
registered then.  When to try again, and for how long, is as in Mailman.
"""

from __future__ import annotations

import logging
from typing import Any

from mailman.interfaces.mta import SomeRecipientsFailed
from mailman.runners import outgoing
from mailman.utilities.datetime import now
from public import public

from qnet_mailman.mta import refusal
from qnet_mailman.runners.guarded import Guard

log = logging.getLogger('mailman.smtp')


@public
class OutgoingRunner(Guard, outgoing.OutgoingRunner):
    """Delivers."""

    def __init__(self, *args: Any, **kws: Any) -> None:
        super().__init__(*args, **kws)
        self._deliver: Any = self._func  # type: ignore[has-type]
        self._func = self._attempt

    def _attempt(self, mlist: Any, msg: Any, msgdata: dict[str, Any]) -> None:
        """Deliver; a recipient who is given up is one who was refused for good."""
        try:
            self._deliver(mlist, msg, msgdata)
        except refusal.RecipientsFailed as failed:
            if not failed.replies or not _gives_up(len(failed.replies), msgdata):
                raise
            log.error(
                '%s: given up for %d recipients',
                msg.get('message-id', 'n/a'),
                len(failed.replies),
            )
            final = [
                (recipient, code, text)
                for recipient, (code, text) in failed.replies.items()
                if code != refusal.NO_REPLY
            ]
            permanent = [*failed.permanent_failures, *final]
            if permanent:
                raise SomeRecipientsFailed([], permanent) from failed

    def _fake_dsn(self, mlist: Any, recipient: str, code: int, reply: Any) -> Any:
        return refusal.report(mlist, recipient, code, reply)


def _gives_up(remaining: int, msgdata: dict[str, Any]) -> bool:
    """Whether Mailman's own runner would now drop the message."""
    moment = now()
    return remaining == msgdata.get('last_recip_count', 0) and moment > msgdata.get(
        'deliver_until', moment
    )
