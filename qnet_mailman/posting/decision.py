# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a post: the rules R3, R4 and R6 as one function."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from qnet_mailman.settings import PosterAuthentication
from qnet_mailman.values import ListType, Replies


class Standing(StrEnum):
    """What the author of a post is to the list, the strongest first."""

    poster = 'poster'
    """Has posting privileges."""
    administrator = 'administrator'
    moderator = 'moderator'
    member = 'member'
    stranger = 'stranger'
    nobody = 'nobody'
    """The post names no author, or several."""


class Fate(StrEnum):
    """What becomes of a post."""

    deliver = 'deliver'
    hold = 'hold'
    """A moderator decides."""
    confirm = 'confirm'
    """Held; the person whom From names decides, by a link they get (R6)."""
    reject = 'reject'
    discard = 'discard'


@dataclass(frozen=True)
class Decision:
    """A fate and, for the people who are told, the reason."""

    fate: Fate
    reason: str = ''


ANNOUNCEMENTS_ONLY = (
    'This list carries announcements only. A message from you is not passed on '
    'to its subscribers.'
)
NO_PRIVILEGE = (
    'This list carries announcements only. You administer it, but you do not have '
    'posting privileges on it.'
)
REPLIES_REJECTED = 'This list does not take messages from its members at present.'
REPLIES_HELD = 'Messages from members of this list are read by a moderator first.'
CLOSED = 'This list is closed. It takes no messages any more, whoever sends them.'
NOT_A_MEMBER = 'The message is not from a member of the list.'
NO_AUTHOR = 'The message does not say, in a way that can be relied on, who wrote it.'
NOT_SHOWN = (
    'The message names a person with posting privileges as its author, but nothing '
    'shows that it comes from that person.'
)
MEMBER_NOT_SHOWN = (
    'The message names as its author somebody whose messages this list delivers, but '
    'nothing shows that it comes from that person.'
)
NO_MORE_POSTS = 'The moderators have asked that messages from you be looked at first.'
REFUSED = 'The moderators of this list do not take messages from this address.'


def decide(
    list_type: ListType,
    replies: Replies,
    standing: Standing,
    authentication: PosterAuthentication,
    *,
    members: PosterAuthentication = PosterAuthentication.off,
    shown: bool = False,
    personal: Fate | None = None,
    nonmember: Fate = Fate.hold,
) -> Decision:
    """Decide about a post that is not automatic, not from a banned address.

    :param replies: R4's word; R3 makes it `reject` on a notification list.
    :param standing: What the author is to the list.
    :param authentication: The site's word, for people with posting privileges.
    :param members: The list's word, for everybody whose posts a discussion list
        delivers; for people with posting privileges the stricter one counts.
    :param shown: Whether the post is shown to come from its author.
    :param personal: A moderation action that moderators set for this member or
        non-member in particular.
    :param nonmember: The list's action for non-members; `deliver` stands
        nowhere, as R3 and R4 say held.
    """
    if standing is Standing.nobody:
        return Decision(Fate.hold, NO_AUTHOR)
    if list_type is ListType.notification:
        members = PosterAuthentication.off
    if standing is Standing.poster:
        word = max(authentication, members, key=_STRICTNESS.index)
        return _unless_shown(word, shown, NOT_SHOWN)
    decision = _decide_by_rights(list_type, replies, standing, personal, nonmember)
    if decision.fate is Fate.deliver:
        return _unless_shown(members, shown, MEMBER_NOT_SHOWN)
    return decision


_STRICTNESS = (
    PosterAuthentication.off,
    PosterAuthentication.confirm,
    PosterAuthentication.required,
)


def _unless_shown(word: PosterAuthentication, shown: bool, reason: str) -> Decision:
    """Deliver a post that is shown to come from its author, or need not be (R6)."""
    if shown or word is PosterAuthentication.off:
        return Decision(Fate.deliver)
    held = word is PosterAuthentication.required
    return Decision(Fate.hold if held else Fate.confirm, reason)


def _decide_by_rights(
    list_type: ListType,
    replies: Replies,
    standing: Standing,
    personal: Fate | None,
    nonmember: Fate,
) -> Decision:
    """What somebody without posting privileges may do, if they are who they say."""
    if standing is Standing.stranger:
        return _stranger(list_type, personal or nonmember)
    if personal in (Fate.discard, Fate.hold, Fate.reject):
        reason = NO_MORE_POSTS if personal is Fate.hold else REFUSED
        # What a notification list rejects is not held for anybody (R3).
        if not (personal is Fate.hold and list_type is ListType.notification):
            return Decision(personal, reason)
    if list_type is ListType.notification:
        staff = standing in (Standing.administrator, Standing.moderator)
        return Decision(Fate.reject, NO_PRIVILEGE if staff else ANNOUNCEMENTS_ONLY)
    if personal is Fate.deliver:
        return Decision(Fate.deliver)
    match replies:
        case Replies.accept:
            return Decision(Fate.deliver)
        case Replies.hold:
            return Decision(Fate.hold, REPLIES_HELD)
        case Replies.reject:
            return Decision(Fate.reject, REPLIES_REJECTED)


def _stranger(list_type: ListType, action: Fate) -> Decision:
    if action is Fate.deliver and list_type is ListType.notification:
        action = Fate.hold
    match action:
        case Fate.deliver:
            # A moderator ticked "accept all from this address" (Postorius), for
            # this address alone.
            return Decision(Fate.deliver)
        case Fate.reject | Fate.discard:
            return Decision(action, REFUSED)
        case _:
            return Decision(Fate.hold, NOT_A_MEMBER)
