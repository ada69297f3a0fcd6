# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands by e-mail ``join``, ``subscribe`` and ``confirm`` on our lists.

Mail to a list's ``-join`` address is the command ``join``.  It goes the way of the
sign-up page (R13): what its From names proves nothing, so nothing is answered but the
one mail to the address that is to join.  Automatic mail never joins nor confirms
(R14).  Other lists have Mailman's own commands.
"""

from __future__ import annotations

import logging
from email.utils import parseaddr
from io import StringIO
from typing import Any

from mailman.chains.hold import HeldMessagePendable
from mailman.commands import eml_confirm, eml_membership
from mailman.interfaces.command import ContinueProcessing
from mailman.interfaces.member import DeliveryMode
from mailman.utilities.datetime import now

from qnet_mailman.mail.automatic import automatic_answer
from qnet_mailman.mail.guessing import header_text
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import finding, tokens
from qnet_mailman.model.lists import row_of
from qnet_mailman.posting import backscatter
from qnet_mailman.subscriptions import confirming, sign_up
from qnet_mailman.subscriptions.deciding import is_for_moderators
from qnet_mailman.templates.sending import one_line

log = logging.getLogger('mailman.subscribe')

ARGUMENTS = (
    'After "join" there can be digest=no, digest=plain or digest=mime, and '
    'address=name@example.gov.'
)
BY_ANSWER = (
    'This is decided by answering the message that asks about it, with the word that '
    'it names, or on the page to which its link leads.'
)


def _is_automatic(msg: Any, command: str) -> bool:
    mark = automatic_answer(msg)
    if mark is not None:
        log.info('The command %s is automatic (%s) and ignored', command, mark)
    return mark is not None


def _author(msg: Any) -> tuple[str, str]:
    try:
        return parseaddr(str(msg.get('from', '')))
    except Exception:
        # The parser has raised IndexError and others on hostile fields.
        return '', ''


class Join(eml_membership.Join):
    """Ask to join."""

    def process(
        self, mlist: Mlist, msg: Any, msgdata: Any, arguments: list[str], results: Any
    ) -> Any:
        """See `IEmailCommand`."""
        if row_of(mlist) is None:
            return super().process(mlist, msg, msgdata, arguments, results)
        if _is_automatic(msg, self.name):
            results.send_response = False
            return ContinueProcessing.no
        # Mailman's words about an argument have it in them.
        delivery_mode, wanted = self._parse_arguments(arguments, StringIO())
        if delivery_mode is ContinueProcessing.no:
            print(ARGUMENTS, file=results)
            return ContinueProcessing.no
        # The mail to the address is the only answer, and one address the only one:
        # Mailman's report of the commands would be a second mail to the victim of a
        # forgery, and tell what is none of the sender's business.
        results.send_response = False
        name, author = _author(msg)
        address = finding.address_of(wanted or author)
        if address is None:
            log.info('%s: no valid address to join', mlist.list_id)
            return ContinueProcessing.no
        sign_up.take(
            sign_up.Request(
                address=address,
                display_name='' if wanted else one_line(header_text(name)),
                list_ids=(mlist.list_id,),
                asked_at=now(),
                delivery_mode=(
                    None
                    if delivery_mode is DeliveryMode.regular
                    else delivery_mode.name
                ),
                is_proven=backscatter.is_proven(msg, address),
            )
        )
        return ContinueProcessing.no


class Subscribe(Join):
    """The same by another name."""

    name = eml_membership.Subscribe.name
    description = eml_membership.Subscribe.description
    short_description = eml_membership.Subscribe.short_description


class Confirm(eml_confirm.Confirm):
    """Return a subscriber's token; what moderators decide goes another way (R12)."""

    def process(
        self, mlist: Mlist, msg: Any, msgdata: Any, arguments: list[str], results: Any
    ) -> Any:
        """See `IEmailCommand`."""
        if row_of(mlist) is None:
            return super().process(mlist, msg, msgdata, arguments, results)
        if _is_automatic(msg, self.name):
            results.send_response = False
            return ContinueProcessing.no
        token = arguments[0] if arguments else ''
        pended = tokens.look_up(token)
        if pended is None:
            return super().process(mlist, msg, msgdata, arguments, results)
        if pended.get('type') == HeldMessagePendable.PEND_TYPE or is_for_moderators(
            pended
        ):
            print(BY_ANSWER, file=results)
            return ContinueProcessing.no
        done = confirming.confirm(token, route='e-mail', mlist=mlist) is not None
        print('Confirmed' if done else 'Confirmation token did not match', file=results)
        return ContinueProcessing.no


COMMANDS: dict[str, Any] = {
    command.name: command for command in (Join(), Subscribe(), Confirm())
}
