# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail to the addresses of a list that take commands, and what answers it.

Mailman's own answer sends back who wrote, when and about what, the arguments of `echo`
and every line that was no command: to whomever `From` names.  On our lists the answer
says what was done in our own words and nothing that the sender has written; what
programs send is neither obeyed nor answered (R39).  Other lists have Mailman's.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from io import StringIO
from typing import Any

from mailman.config import config
from mailman.interfaces.autorespond import ResponseAction
from mailman.interfaces.command import ContinueProcessing, IEmailResults
from mailman.runners.command import CommandFinder
from zope.interface import implementer

from qnet_mailman.mail.answers import decoded_subject
from qnet_mailman.mail.automatic import automatic_answer
from qnet_mailman.mlist import Mlist
from qnet_mailman.posting import backscatter
from qnet_mailman.subscriptions import leaving, one_click
from qnet_mailman.subscriptions.replies import answerable_author

DISCARDED = frozenset({'bulk', 'junk', 'list'})
"""Values of Precedence with which Mailman takes no command, without ``X-Ack: yes``."""

_FIT: dict[str, Callable[[str], object]] = {
    'confirm': re.compile(r'[0-9a-f]{40}').fullmatch,
    'who': re.compile(r'delivery=(enabled|disabled)|mode=(digest|regular)').fullmatch,
    'join': bool,
    'subscribe': bool,
}
"""Which arguments a command gets; any other gets none."""
_HELP = 'help'
_NOT_OURS = frozenset({'echo', _HELP})
"""Commands of Mailman's that have no place here; the answer itself is the help."""

log = logging.getLogger('mailman.vette')


@implementer(IEmailResults)
class _Results:
    """What commands have to say.

    :ivar send_response: Whether somebody is told.
    """

    send_response = True

    def __init__(self) -> None:
        self._said = StringIO()

    def write(self, text: str) -> None:
        """See `IEmailResults`."""
        self._said.write(text)

    def __str__(self) -> str:
        return self._said.getvalue()


def handle(mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> None:
    """Obey the commands of a message to a list of ours, and answer it."""
    precedence = str(msg.get('precedence', '')).strip().lower()
    if precedence in DISCARDED and str(msg.get('x-ack', '')).lower() != 'yes':
        log.info('%s: no command, as it is Precedence: %s', mlist.list_id, precedence)
        return
    mark = automatic_answer(msg)
    # Some providers let a program send what their users' buttons do (R15).
    if mark is not None and one_click.token_in(decoded_subject(msg['subject'])) is None:
        log.info('%s: no command, but automatic (%s)', mlist.list_id, mark)
        return
    author = answerable_author(msg)
    if (
        mlist.autorespond_requests is not ResponseAction.none
        and author is not None
        and backscatter.mail_allowed(author, msg)
    ):
        config.handlers['replybot'].process(mlist, msg, msgdata)
    if mlist.autorespond_requests is ResponseAction.respond_and_discard:
        return
    results = obey(mlist, msg, msgdata)
    if results.send_response and author is not None:
        leaving.answer(
            mlist,
            author,
            'qnet:user:notice:command-results',
            'The results of your email commands',
            msg,
            results=str(results).strip() or 'There was no command in it that we know.',
        )


def obey(mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> Any:
    """Obey the commands of a message.

    :return: What they say: an `IEmailResults`.
    """
    results = _Results()
    # What the finder says is about the shape of the message.
    finder = CommandFinder(msg, msgdata, _Results())
    results.send_response = msgdata.get('subaddress') == 'request'
    for words in finder:
        name, arguments = _command_of(words)
        if name == _HELP:
            print('You asked for help.', file=results)
        if name is None or name in _NOT_OURS:
            continue
        fit = _FIT.get(name, lambda word: False)
        status = config.commands[name].process(
            mlist, msg, msgdata, [word for word in arguments if fit(word)], results
        )
        if status is ContinueProcessing.no:
            break
    return results


def _command_of(words: list[str]) -> tuple[str | None, list[str]]:
    """The command in a line, its first word or, after a ``Re:``, its second."""
    for number, word in enumerate(words[:2], start=1):
        if word in config.commands:
            return word, words[number:]
    return None, []
