# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands `leave` and `unsubscribe` by mail (R14, R15).

They come to a list's ``-leave`` address, with whatever subject and text, or to its
``-request`` address, as the subject or a line of the text.  Who sends one gets the
question whether they mean it and nothing else: Mailman's report of the commands would
be a second mail to the victim of a forgery.

A subject with the token that mail programs fill in from a message's `List-Unsubscribe`
field is the proof already: the reader leaves at once.
"""

from __future__ import annotations

import logging
from typing import Any

from mailman.commands import eml_membership as stock
from mailman.interfaces.command import ContinueProcessing, IEmailCommand
from zope.interface import implementer

from qnet_mailman.mail.author import author_of
from qnet_mailman.mail.automatic import automatic_answer
from qnet_mailman.mail.guessing import header_text
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.lists import row_of
from qnet_mailman.subscriptions import leaving, one_click

log = logging.getLogger('mailman.vette')


@implementer(IEmailCommand)
class Leave(stock.Leave):
    """The command `leave`: ours on our lists, Mailman's on others."""

    def process(
        self,
        mlist: Mlist,
        msg: Any,
        msgdata: dict[str, Any],
        arguments: list[str],
        results: Any,
    ) -> ContinueProcessing:
        """See `IEmailCommand`."""
        if row_of(mlist) is None:
            return super().process(mlist, msg, msgdata, arguments, results)
        results.send_response = False
        if not _left_by_token(msg):
            _request(mlist, msg)
        return ContinueProcessing.no


@implementer(IEmailCommand)
class Unsubscribe(Leave):
    """The command `unsubscribe`."""

    name = stock.Unsubscribe.name
    description = stock.Unsubscribe.description
    short_description = stock.Unsubscribe.short_description


COMMANDS: dict[str, Any] = {one.name: one for one in (Leave(), Unsubscribe())}
"""What takes the place of Mailman's commands of these names."""


def _left_by_token(msg: Any) -> bool:
    """Whether a message has a token that is good, and no question is left to ask.

    Also one that a program wrote: some mail providers send it for their users.
    """
    token = one_click.token_in(header_text(str(msg.get('subject', ''))))
    if token is None:
        return False
    left = one_click.leave(token, route='e-mail')
    log.info('A one-click token by e-mail: %s', left.outcome)
    return left.outcome in (
        one_click.Outcome.left,
        one_click.Outcome.not_subscribed,
        one_click.Outcome.asked,
    )


def _request(mlist: Mlist, msg: Any) -> None:
    mark = automatic_answer(msg)
    author = author_of(msg).address
    if mark is not None:
        log.info('Not a request to leave, as it is automatic (%s)', mark)
    elif author is None:
        log.info('A request to leave %s from nobody', mlist.fqdn_listname)
    else:
        leaving.request(mlist, author, route='command', msg=msg)
