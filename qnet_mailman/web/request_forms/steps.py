# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order a form is asked for on the web: a topic a page.

What is asked, and what may be answered, is core's (:mod:`.questions`).  A step without
a question to ask is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: The question about subscribers, which is pasted text or a file.
SUBSCRIBERS = 'subscribers'

#: Questions that are asked only where another has a certain answer.
ONLY_IF: Mapping[str, tuple[str, str]] = {
    'list.replies': ('list.type', 'discussion'),
    'attestations.no_sensitive_information': ('list.visibility', 'public'),
    'attestations.security_policies': ('list.visibility', 'public'),
}


@dataclass(frozen=True)
class Step:
    """A page of questions.

    :ivar key: Its name in addresses.
    :ivar paths: Its questions; or the one list of people that it asks for.
    :ivar about: Sentences before them, a paragraph each.
    :ivar folded: Questions whose defaults nearly all want, folded away.
    """

    key: str
    title: str
    paths: tuple[str, ...]
    about: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()

    def asked(self, answers: Mapping[str, str]) -> tuple[str, ...]:
        """Which of its questions are asked, with the answers there are."""
        return tuple(path for path in self.paths if is_asked(path, answers))


def is_asked(path: str, answers: Mapping[str, str]) -> bool:
    """Whether a question is asked, with the answers there are."""
    if path not in ONLY_IF:
        return True
    other, answer = ONLY_IF[path]
    return answers.get(other) == answer


_YOU = Step(
    'you',
    'About you',
    ('requester.name', 'requester.email', 'requester.organization'),
    ('We write to this address about your request.',),
)
_ROLE = (
    'An administrator needs a HARP account and the role List Administrator, a '
    'moderator the role List Moderator. In HARP: User Roles, Request a Role, program '
    'QualityNet Workspace, organization QualityNet Mailer. That can be done later.'
)

#: The steps of each kind of form.
STEPS: Mapping[str, tuple[Step, ...]] = {
    'list-request': (
        _YOU,
        Step(
            'approval',
            'Who approved the request',
            ('approver.name', 'approver.email'),
            ('If your organization had to agree, name who did. Otherwise go on.',),
        ),
        Step(
            'list',
            'The list and what it is for',
            ('list.type', 'list.display_name', 'list.name', 'list.description'),
            (
                'A notification list is one way: an administrator sends news, meeting '
                'invites, surveys and other information to a large group.',
                'A discussion list is an open, ongoing e-mail conversation in a group.',
            ),
        ),
        Step(
            'subscribing',
            'Who may subscribe',
            ('list.visibility',),
            (
                'Public: anybody may subscribe. Choose it where no sensitive '
                'information is shared, the security policies of your organization '
                'are met, and nobody needs to approve subscribers.',
                'Private: for a more select group. Choose it for more oversight: an '
                'administrator approves who joins.',
                'Both kinds stand on the page “Sign Up for Email Updates”.',
            ),
        ),
        Step(
            'public',
            'For a public list',
            (
                'attestations.no_sensitive_information',
                'attestations.security_policies',
            ),
            ('Anybody can join a public list and read what is sent to it.',),
        ),
        Step(
            'messages',
            'Messages to the list',
            ('list.replies', 'list.reply_to'),
            (
                'On a notification list only people with posting privileges reach the '
                'subscribers; the messages of all others are rejected.',
                'On a discussion list you choose what happens to the messages of '
                'members. Those of people who are not subscribed always wait for '
                'approval.',
            ),
        ),
        Step(
            'masking',
            'Sender masking',
            ('list.mask',),
            (
                'Masking hides the name and the address of who sends a message. It is '
                'on by default, and can be changed later.',
            ),
        ),
        Step(
            'administrators',
            'Administrators',
            ('administrators',),
            ('They manage the list. Name at least one.', _ROLE),
        ),
        Step(
            'moderators',
            'Moderators',
            ('moderators',),
            (
                'They approve messages and subscribers, and change nothing else. A '
                'list needs none: its administrators can do the same.',
            ),
        ),
        Step(
            'subscribers',
            'Subscribers',
            (SUBSCRIBERS,),
            (
                'Who is to be subscribed from the start. Leave it empty where people '
                'are to sign up themselves.',
            ),
            ('list.bounces.threshold', 'list.bounces.window_days'),
        ),
    ),
    'administrator-request': (
        _YOU,
        Step(
            'person',
            'The person',
            ('person.name', 'person.email', 'person.harp_id', 'role'),
            (_ROLE,),
        ),
        Step(
            'lists',
            'The lists',
            ('lists', 'may_post', 'reason'),
            ('You must be an administrator of all of them.',),
        ),
    ),
    'threshold-change': (
        _YOU,
        Step(
            'threshold',
            'The list and its threshold',
            ('list', 'bounces.threshold', 'bounces.window_days', 'reason'),
            (
                'When mail to a subscriber comes back, a soft bounce (a full mailbox) '
                'adds half a point and a hard one (no such address) adds one, at most '
                'once a day. Beyond the threshold within the window no mail is sent '
                'there any more. By default that is 5 points over 7 days; raise or '
                'lower it to fit how often your list publishes.',
            ),
        ),
    ),
    'list-closure': (
        _YOU,
        Step(
            'closing',
            'The list that is to be closed',
            ('list', 'action', 'tell_members', 'reason'),
            (
                'A closed list takes no messages any more, and nobody can join it. It '
                'can be opened again for a while.',
            ),
        ),
    ),
}


def steps_of(kind: str, answers: Mapping[str, str]) -> list[Step]:
    """The steps that somebody goes through, with the answers there are."""
    return [step for step in STEPS[kind] if step.asked(answers)]
