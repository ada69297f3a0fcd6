# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a list that forms and `mailman qnet set` change.

Each knows where Mailman or we keep it, what it may be, and what it means in the
words of a notice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from mailman.interfaces.mailinglist import ReplyToMunging

from qnet_mailman import values
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import audit
from qnet_mailman.model.lists import (
    is_personal,
    mask_of,
    member_authentication_of,
    replies_of,
    set_mask,
    set_member_authentication,
    set_personal,
    set_replies,
    type_of,
)
from qnet_mailman.settings import PosterAuthentication
from qnet_mailman.values import ListType, Mask, Personalize, Replies

Value = str | int


@dataclass(frozen=True)
class ListField:
    """One setting.

    :ivar key: Its name in `mailman qnet show`.
    :ivar label: Its name in a notice.
    :ivar check: Takes what somebody wrote; raises ValueError with what is expected.
    :ivar words: A value of a list of some type, in a notice.
    """

    key: str
    label: str
    read: Callable[[Any], Value]
    write: Callable[[Any, Any], None]
    check: Callable[[object], Value]
    words: Callable[[Any, ListType], str]

    @property
    def option(self) -> str:
        """Its name for `mailman qnet set`."""
        return self.key.replace('_', '-') if self.key in _HYPHENS else self.key


_HYPHENS = frozenset({'window_days', 'member_authentication'})

_MASK_WORDS = {
    Mask.administrators: 'the sender is hidden on messages of administrators, '
    'moderators and people with posting privileges',
    Mask.everyone: 'the sender is hidden on every message',
    Mask.off: 'nobody is hidden; senders are visible to subscribers',
}
_REPLIES_WORDS = {
    Replies.accept: "a member's message is delivered",
    Replies.hold: "a member's message waits for a moderator",
    Replies.reject: "a member's message is rejected with a notice",
}


_PERSONALIZE_WORDS = {
    Personalize.on: 'each copy has its own link to unsubscribe',
    Personalize.off: 'all copies are alike, without a personal link to unsubscribe',
}


_AUTHENTICATION_WORDS = {
    PosterAuthentication.off: 'whatever a message says about its author is believed',
    PosterAuthentication.confirm: "a member's message must be shown to come from them, "
    'or they are asked',
    PosterAuthentication.required: "a member's message must be shown to come from "
    'them, or it waits for a moderator',
}


def _member_authentication_words(value: str, list_type: ListType) -> str:
    if list_type is ListType.notification:
        return 'not needed, as only people with posting privileges write'
    return _AUTHENTICATION_WORDS[PosterAuthentication(value)]


def _reply_to_of(mlist: Mlist) -> str:
    if mlist.reply_goes_to_list is ReplyToMunging.explicit_header_only:
        return mlist.reply_to_address
    return ''


def _set_reply_to(mlist: Mlist, address: str) -> None:
    mlist.reply_goes_to_list = (
        ReplyToMunging.explicit_header_only if address else ReplyToMunging.no_munging
    )
    mlist.reply_to_address = address
    mlist.first_strip_reply_to = bool(address)


def _attribute(name: str) -> tuple[Callable[[Any], Value], Callable[[Any, Any], None]]:
    return (
        lambda mlist: getattr(mlist, name) or '',
        lambda mlist, value: setattr(mlist, name, value),
    )


def _same(value: Any, list_type: ListType) -> str:
    return str(value)


def _replies_words(value: str, list_type: ListType) -> str:
    if list_type is ListType.notification:
        return (
            "one-way: a message of anybody without posting privileges, and a member's "
            'answer, is rejected with a notice'
        )
    return _REPLIES_WORDS[Replies(value)]


FIELDS: dict[str, ListField] = {
    field.key: field
    for field in (
        ListField(
            'display_name',
            'Name',
            *_attribute('display_name'),
            check=partial(values.line, most=values.MAX_DISPLAY_NAME),
            words=_same,
        ),
        ListField(
            'description',
            'Description',
            *_attribute('description'),
            check=partial(values.line, most=values.MAX_DESCRIPTION),
            words=_same,
        ),
        ListField(
            'mask',
            'Masking',
            lambda mlist: mask_of(mlist).value,
            lambda mlist, value: set_mask(mlist, Mask(value)),
            check=partial(values.choice, words=Mask),
            words=lambda value, list_type: _MASK_WORDS[Mask(value)],
        ),
        ListField(
            'replies',
            'Replies',
            lambda mlist: replies_of(mlist).value,
            lambda mlist, value: set_replies(mlist, Replies(value)),
            check=partial(values.choice, words=Replies),
            words=_replies_words,
        ),
        ListField(
            'reply_to',
            'Answers go to',
            _reply_to_of,
            _set_reply_to,
            check=partial(values.email, optional=True),
            words=lambda value, list_type: value or 'no address of their own',
        ),
        ListField(
            'threshold',
            'Bounce threshold',
            lambda mlist: mlist.bounce_score_threshold,
            lambda mlist, value: setattr(mlist, 'bounce_score_threshold', value),
            check=values.threshold,
            words=lambda value, list_type: f'{value} points',
        ),
        ListField(
            'window_days',
            'Bounce window',
            lambda mlist: mlist.bounce_info_stale_after.days,
            lambda mlist, value: setattr(
                mlist, 'bounce_info_stale_after', timedelta(days=value)
            ),
            check=values.window,
            words=lambda value, list_type: f'{value} days',
        ),
        ListField(
            'personalize',
            'Personal copies',
            lambda mlist: (
                (Personalize.on if is_personal(mlist) else Personalize.off).value
            ),
            lambda mlist, value: set_personal(mlist, value == Personalize.on),
            check=partial(values.choice, words=Personalize),
            words=lambda value, list_type: _PERSONALIZE_WORDS[Personalize(value)],
        ),
        ListField(
            'member_authentication',
            'Who members are',
            lambda mlist: member_authentication_of(mlist).value,
            lambda mlist, value: set_member_authentication(
                mlist, PosterAuthentication(value)
            ),
            check=partial(values.choice, words=PosterAuthentication),
            words=_member_authentication_words,
        ),
    )
}
"""By key, in the order in which people read them."""


def current(mlist: Mlist) -> dict[str, Value]:
    """The settings that a list has."""
    return {key: field.read(mlist) for key, field in FIELDS.items()}


class Unfit(Exception):
    """Settings that cannot be set.

    :ivar problems: One line for each.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__('\n'.join(problems))
        self.problems = problems


def checked(mlist: Mlist, written: Mapping[str, str]) -> dict[str, Value]:
    """Values that somebody wrote for some of a list's settings, in order.

    :param written: By key, with `_` or `-` in it.
    :raises Unfit: with everything that is wrong.
    """
    problems: list[str] = []
    fit: dict[str, Value] = {}
    options = ', '.join(field.option for field in FIELDS.values())
    for option, text in written.items():
        field = FIELDS.get(option.replace('-', '_'))
        if field is None:
            problems.append(
                f'{values.found(option)} is not a setting; known are {options}'
            )
            continue
        try:
            fit[field.key] = field.check(text)
        except ValueError as error:
            problems.append(
                f'{field.option}: found {values.found(text)}; expected {error}'
            )
    problems += [
        f'{key}: {message}'
        for key, message in values.conflicts({**fit, 'type': type_of(mlist)})
    ]
    if (
        fit.get('member_authentication', 'off') != 'off'
        and type_of(mlist) is ListType.notification
    ):
        problems.append(
            'member-authentication: expected off: on a notification list nobody is '
            'delivered for being a member; poster_authentication of qnet.cfg is for it'
        )
    if problems:
        raise Unfit(problems)
    return fit


BOUNCES = frozenset({'threshold', 'window_days'})
"""The settings that say whom bounces suspend: `relief.free` is due after a change."""


def change_setting(mlist: Mlist, key: str, old: Any, new: Any, **why: str) -> None:
    """Change one setting of a list, told to the audit log.

    :param old: What it was; None on a new list, whose making tells its settings.
    :param why: What the audit log tells beside: the ticket of a form.
    """
    FIELDS[key].write(mlist, new)
    if old is not None:
        audit.record(
            audit.Action.setting_changed, mlist.list_id, key, old=old, new=new, **why
        )
