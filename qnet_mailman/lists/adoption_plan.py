# SPDX-License-Identifier: GPL-3.0-or-later
"""What adopting a list changes, and for whom: plain values in, sentences out (R40).

What an administrator of a list of ours may choose stays as it was chosen.  Changed is
only what a rule of ours lays down for the kind of list that it becomes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mailman.interfaces.action import Action
from mailman.interfaces.mailinglist import ReplyToMunging, SubscriptionPolicy

from qnet_mailman.values import ListType, Visibility

CHAIN = 'posting_chain'
PIPELINE = 'posting_pipeline'
STOCK = {CHAIN: 'default-posting-chain', PIPELINE: 'default-posting-pipeline'}
"""What a list has that no adoption has noted anything of."""
OURS = {CHAIN: 'qnet-posting-chain', PIPELINE: 'qnet-posting-pipeline'}

ENUMS: Mapping[str, Any] = {
    'default_member_action': Action,
    'default_nonmember_action': Action,
    'reply_goes_to_list': ReplyToMunging,
    'subscription_policy': SubscriptionPolicy,
    'unsubscription_policy': SubscriptionPolicy,
}
"""Settings that are words; the others are texts, numbers or booleans."""
SETTINGS = (
    CHAIN,
    PIPELINE,
    'allow_list_posts',
    'include_rfc2369_headers',
    *ENUMS,
)
"""Mailman's settings that adopting may change."""

ADMITTING = (Action.accept, Action.defer)
"""What a person's moderation says where nobody looks at their posts."""
MODERATED = (SubscriptionPolicy.moderate, SubscriptionPolicy.confirm_then_moderate)
SHOWN = 5
"""So many people are named, and the others counted."""


@dataclass(frozen=True)
class Kind:
    """What a list is to be (R1)."""

    type: ListType
    visibility: Visibility


def kind_of(
    settings: Mapping[str, Any],
    list_type: ListType | None = None,
    visibility: Visibility | None = None,
) -> Kind:
    """What a list becomes where nobody says: what it is by Mailman's settings.

    :param settings: Mailman's, by name.
    """
    if list_type is None:
        posts = settings['allow_list_posts']
        list_type = ListType.discussion if posts else ListType.notification
    if visibility is None:
        moderated = settings['subscription_policy'] in MODERATED
        visibility = Visibility.private if moderated else Visibility.public
    return Kind(list_type, visibility)


def wanted(kind: Kind, old: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a list must have, as far as it has others."""
    new: dict[str, Any] = {
        **OURS,
        # RFC 2369 section 3.4; and R15.
        'allow_list_posts': kind.type is ListType.discussion,
        'include_rfc2369_headers': True,
        # R11, R12: what Mailman says where it is asked.
        'subscription_policy': SubscriptionPolicy.confirm
        if kind.visibility is Visibility.public
        else SubscriptionPolicy.confirm_then_moderate,
        # R14.
        'unsubscription_policy': SubscriptionPolicy.confirm,
    }
    if old['default_nonmember_action'] in ADMITTING:
        # R3, R4.
        new['default_nonmember_action'] = Action.hold
    if kind.type is ListType.notification:
        # R3; and R8: an answer to the list would meet it.
        new['default_member_action'] = Action.reject
        if old['reply_goes_to_list'] is ReplyToMunging.point_to_list:
            new['reply_goes_to_list'] = ReplyToMunging.no_munging
    return {name: value for name, value in new.items() if old[name] != value}


def as_plain(name: str, value: Any) -> Any:
    """A setting for JSON."""
    return value.name if name in ENUMS else value


def from_plain(name: str, value: Any) -> Any:
    """A setting out of JSON."""
    return ENUMS[name][value] if name in ENUMS else value


@dataclass(frozen=True)
class Keeper:
    """An owner or moderator of a list that is to be adopted.

    :ivar role: As people read it.
    :ivar has_role: Whether they hold the role for it now (R24).
    :ivar may_post: Whether nobody looks at their posts now.
    """

    role: str
    email: str
    name: str
    has_role: bool
    may_post: bool


@dataclass(frozen=True)
class OwnText:
    """A text that somebody has put in the place of Mailman's.

    :ivar whose: The list, its domain or the site.
    :ivar unfilled: Words in it that nothing fills in on a list of ours.
    :ivar lacks_link: Whether it is a footer without the link to leave.
    """

    name: str
    whose: str
    unfilled: tuple[str, ...] = ()
    lacks_link: bool = False


@dataclass(frozen=True)
class Facts:
    """What there is of a list; numbers are of people, where nothing else is said.

    :ivar settings: Mailman's, by name.
    :ivar posters: Members at whose posts nobody looks now.
    :ivar masked: Whether all senders are hidden already.
    :ivar over_threshold: The next bounce of whom stops delivery.
    :ivar kept: By what it is, how much of it there is that stays as it is.
    """

    settings: Mapping[str, Any]
    members: int = 0
    posters: int = 0
    admitted_nonmembers: int = 0
    nonmember_patterns: int = 0
    keepers: tuple[Keeper, ...] = ()
    masked: bool = False
    disabled: int = 0
    over_threshold: tuple[str, ...] = ()
    threshold: int = 5
    window: int = 7
    joining: int = 0
    leaving: int = 0
    texts: tuple[OwnText, ...] = ()
    kept: tuple[tuple[str, int], ...] = ()
    archive: str = 'public'
    advertised: bool = True


@dataclass(frozen=True)
class Difference:
    """One thing that will differ.

    :ivar about: Whom or what it is about: the heading over several.
    """

    about: str
    text: str


def differences(kind: Kind, facts: Facts) -> list[Difference]:
    """What will differ for whom, in the order in which people read it."""
    return [
        Difference(about, text)
        for about, texts in (
            ('Members', _members(kind, facts)),
            ('Who may post', _posting(kind, facts)),
            ('Owners and moderators', _keepers(facts)),
            ('Bounces', _bounces(facts)),
            ('Texts', _texts(facts)),
            ('Settings', _settings(kind, facts)),
            ('What stays', _kept(facts)),
        )
        for text in texts
    ]


@dataclass(frozen=True)
class Released:
    """What handing a list back did, or would do.

    :ivar settings: By name, what was and what is then.
    :ivar keepers: How many are on the rosters of owners and moderators then.
    :ivar left_out: Addresses of those who are not, as their role was taken from them.
    """

    settings: Mapping[str, tuple[Any, Any]]
    keepers: int
    left_out: tuple[str, ...]

    def differences(self) -> list[Difference]:
        """What will differ for whom, in the order in which people read it."""
        found = [
            Difference(
                'Members',
                'they stay as they are; the links to leave in mails that were sent '
                'until now go on working',
            ),
            Difference(
                'Who may post',
                'nobody is hidden any more, unless the list is anonymous, and '
                "Mailman's moderation decides about posts",
            ),
            Difference(
                'Owners and moderators',
                f"{self.keepers} by Mailman's rosters; nobody needs the HARP role",
            ),
        ]
        if self.left_out:
            found.append(
                Difference(
                    'Owners and moderators',
                    f'not {_named(self.left_out, "person")}, who had the role and have '
                    'it no more',
                )
            )
        return found + [
            Difference('Settings', f'{name}: {old} -> {new}')
            for name, (old, new) in self.settings.items()
        ]


def _members(kind: Kind, facts: Facts) -> Iterator[str]:
    if facts.members:
        yield (
            f'{_many(facts.members, "member")}: each copy of a post has its own link '
            'to leave, and our footer unless the list has its own'
        )
    if kind.visibility is Visibility.private:
        yield (
            'joining: an administrator approves, then the subscriber confirms; '
            'Mailman asks the other way round, or not at all'
        )
    else:
        yield 'joining: the subscriber confirms, and nobody approves'
    if facts.settings['unsubscription_policy'] in MODERATED:
        yield 'leaving: no moderator has to approve any more'
    if facts.joining:
        yield (
            f'{_many(facts.joining, "request")} to join that wait go on; who is '
            'approved is asked to confirm'
        )
    if facts.leaving:
        yield (
            f'{_many(facts.leaving, "request")} to leave that wait go on, and need no '
            'approval'
        )
    if not facts.advertised:
        yield 'the sign-up page does not show the list, as it is not advertised'


def _posting(kind: Kind, facts: Facts) -> Iterator[str]:
    if facts.masked:
        yield 'the sender of every post stays hidden'
    else:
        yield (
            'the sender is hidden on posts of administrators, moderators and people '
            'with posting privileges'
        )
    if kind.type is ListType.notification:
        able = sum(keeper.may_post for keeper in facts.keepers)
        if facts.posters > able:
            yield (
                f'{_many(facts.posters - able, "member")} may post now and will be '
                'refused: only people with posting privileges may'
            )
        if not any(each.may_post and each.has_role for each in facts.keepers):
            yield 'nobody will have posting privileges until somebody is given them'
    held = facts.admitted_nonmembers
    if held and kind.type is ListType.notification:
        yield (
            f'{_many(held, "non-member")} whose posts are accepted now: they will be '
            'held for a moderator'
        )
    if facts.settings['default_nonmember_action'] in ADMITTING:
        yield 'posts of all other non-members: they will be held for a moderator'
    if facts.nonmember_patterns:
        yield (
            f'{_many(facts.nonmember_patterns, "entry", "entries")} in the lists of '
            'non-members (accept, hold, reject, discard) stay, and mean nothing'
        )


def _keepers(facts: Facts) -> Iterator[str]:
    for role in ('administrator', 'moderator'):
        some = [each for each in facts.keepers if each.role == role]
        waiting = [each.email for each in some if not each.has_role]
        if some:
            yield f'{_many(len(some), role)}: they are assigned to the list'
        if waiting:
            yield (
                f'{_named(waiting, role)} without the HARP role: until they have it '
                'they may do nothing on the list'
            )
    if not any(each.has_role for each in facts.keepers):
        yield 'nobody will look after the list: its mail to owners goes to support'


def _bounces(facts: Facts) -> Iterator[str]:
    yield (
        f'delivery stops at {_many(facts.threshold, "point")} within '
        f'{_many(facts.window, "day")}; soft bounces count half a point'
    )
    if facts.disabled:
        yield (
            f'{_many(facts.disabled, "member")} disabled by bounces stay so; the '
            'warnings that they have had count'
        )
    if facts.over_threshold:
        yield (
            f'{_named(facts.over_threshold, "member")} have reached the threshold: '
            'their next bounce stops delivery'
        )


def _texts(facts: Facts) -> Iterator[str]:
    for text in facts.texts:
        yield f'{text.name} of the {text.whose} stays in use, in place of ours'
        if text.lacks_link:
            yield f'{text.name} of the {text.whose} has no link to leave'
        if text.unfilled:
            names = ', '.join(f'${one}' for one in text.unfilled)
            yield f'{text.name} of the {text.whose}: {names} will not be filled in'


def _settings(kind: Kind, facts: Facts) -> Iterator[str]:
    for name, new in wanted(kind, facts.settings).items():
        old = as_plain(name, facts.settings[name])
        yield f'{name}: {old} -> {as_plain(name, new)}'


def _kept(facts: Facts) -> Iterator[str]:
    yield f'the archive, and who may read it ({facts.archive})'
    yield 'all other settings, and all members as they are'
    for what, number in facts.kept:
        if number:
            yield f'{what}: {number}'


def _many(number: int, one: str, more: str = '') -> str:
    return f'{number} {one if number == 1 else more or one + "s"}'


def _named(emails: tuple[str, ...] | list[str], what: str) -> str:
    shown = ', '.join(emails[:SHOWN])
    rest = len(emails) - SHOWN
    return f'{_many(len(emails), what)} ({shown}{f", {rest} more" if rest > 0 else ""})'
