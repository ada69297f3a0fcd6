# SPDX-License-Identifier: GPL-3.0-or-later
"""What moderators can decide, and how an answer by mail says it (R39); no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any

from qnet_mailman.mail.answers import Question, says, what_to_answer
from qnet_mailman.mlist import Mlist


class Kind(Enum):
    """What is decided about."""

    join = 'join'
    """A request to join a private list."""
    post = 'post'
    """A held post."""


class Verdict(StrEnum):
    """What a moderator decides."""

    accept = 'accept'
    reject = 'reject'
    """Whoever asked, or wrote, is told."""
    discard = 'discard'
    """Nobody is told."""


@dataclass(frozen=True)
class Choice:
    """A verdict that there is about something.

    :ivar question: By which word of an answer.
    :ivar meaning: What it does, in a few words.
    """

    question: Question
    meaning: str


CHOICES: dict[Kind, Mapping[Verdict, Choice]] = {
    Kind.join: {
        Verdict.accept: Choice(Question.approve, 'they join, once they confirm it'),
        Verdict.reject: Choice(Question.refuse, 'they are told that you refuse'),
    },
    Kind.post: {
        Verdict.accept: Choice(Question.post, 'it goes to the list'),
        Verdict.reject: Choice(Question.refuse, 'its author is told that you refuse'),
        Verdict.discard: Choice(Question.discard, 'nobody is told'),
    },
}


def how_to_answer(mlist: Mlist, kind: Kind) -> str:
    """What to write into an answer, and what it does."""
    return what_to_answer(
        mlist, {one.question: one.meaning for one in CHOICES[kind].values()}
    )


def verdict_in(msg: Any, mlist: Mlist, kind: Kind) -> Verdict | None:
    """What an answer decides; None where its first line does not say so alone."""
    return next(
        (
            verdict
            for verdict, choice in CHOICES[kind].items()
            if says(msg, mlist, choice.question)
        ),
        None,
    )
