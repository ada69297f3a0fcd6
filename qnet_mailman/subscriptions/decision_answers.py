# SPDX-License-Identifier: GPL-3.0-or-later
"""Moderators' answers to the notices that ask them to decide (R12, R39).

An answer counts only where a trusted server shows that it is its author's (R6), however
posts are treated, and its first line is one of the words that were asked for.  Whatever
comes of it, its author is told.
"""

from __future__ import annotations

from typing import Any

from qnet_mailman.mlist import Mlist
from qnet_mailman.posting import backscatter
from qnet_mailman.subscriptions import deciding, leaving, verdicts
from qnet_mailman.subscriptions.deciding import Outcome

_LATE = (
    'There was nothing left to decide or to confirm: it was done before, perhaps by '
    'another moderator, or its time was over.'
)
_NOTHING = 'Nothing has changed.'
_NOT_SHOWN = (
    f'{_NOTHING} We could not verify that the answer comes from you. Please use the '
    'link in the message that you have answered, or sign in and decide on the web.'
)
_NOT_ALLOWED = (
    f'{_NOTHING} Answers from your address do not decide anything for this list. '
    'Please sign in and decide on the web, or contact us.'
)


def decide(mlist: Mlist, msg: Any, token: str, author: str) -> None:
    """Decide as an answer says.

    :param token: Of the pending that waits for moderators.
    :param author: Whom the answer names, in lower case.
    """
    matter = deciding.look_up(token)
    if matter is None:
        tell_late(mlist, msg, author)
        return
    about = f'"{matter.about}"' if matter.kind is verdicts.Kind.post else matter.who
    verdict = verdicts.verdict_in(msg, mlist, matter.kind)
    if not backscatter.is_proven(msg, author):
        text = _NOT_SHOWN
    elif verdict is None:
        text = f'{_NOTHING} {verdicts.how_to_answer(mlist, matter.kind)}'
    else:
        outcome, why = deciding.decide(token, verdict, by=author, route='e-mail')
        meaning = verdicts.CHOICES[matter.kind][verdict].meaning
        text = {
            Outcome.done: f'You have decided about {about}: {meaning}.',
            Outcome.late: _LATE,
            Outcome.not_allowed: _NOT_ALLOWED,
            Outcome.failed: f'{_NOTHING} {why}',
        }[outcome]
    _tell(mlist, msg, author, text)


def tell_late(mlist: Mlist, msg: Any, author: str) -> None:
    """Tell a moderator that an answer came too late."""
    _tell(mlist, msg, author, _LATE)


def _tell(mlist: Mlist, msg: Any, author: str, text: str) -> None:
    leaving.answer(
        mlist,
        author,
        'qnet:moderator:notice:decision',
        f'Your answer about {mlist.display_name}',
        msg,
        what=text,
    )
