# SPDX-License-Identifier: GPL-3.0-or-later
"""The command runner: commands by mail, answers to our questions, the sign-up page."""

from __future__ import annotations

from typing import Any

from mailman.runners import command
from public import public

from qnet_mailman.mail.legible import make_legible
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.audit import recorded_as
from qnet_mailman.model.lists import row_of
from qnet_mailman.runners.guard import Guard
from qnet_mailman.subscriptions import mail_commands, replies, sign_up


class _Commands(command.CommandRunner):
    """A command runner without its guard."""

    def _process_one_file(self, msg: Any, msgdata: dict[str, Any]) -> None:
        # A request of the sign-up page is about many lists, and so about none.
        if not sign_up.handle_queued(msgdata):
            make_legible(msg)
            super()._process_one_file(msg, msgdata)

    def _dispose(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> bool | None:
        # Which anybody can write there: what changes something asks for more (R14).
        with recorded_as(f'mail: {msg.sender}'):
            if replies.handle(mlist, msg, msgdata):
                return False
            if row_of(mlist) is None:
                return super()._dispose(mlist, msg, msgdata)
            mail_commands.handle(mlist, msg, msgdata)
            return False


@public
class CommandRunner(Guard, _Commands):
    """Obeys commands by e-mail, answers to our questions, and the sign-up page."""
