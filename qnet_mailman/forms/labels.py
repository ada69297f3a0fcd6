# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fields of the request forms are called for people: pure.

Spreadsheet, PDF and the pages on the web say it in these words, and readers know
a field by them.  They are the customer's own words for the service.  A label stands for
one field only, whatever the kind of form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from qnet_mailman import values

Path = tuple[str | int, ...]
"""Where something is in a form."""

REQUIRED = '(required)'
"""Stands behind the label of a field that must be filled in."""


@dataclass(frozen=True)
class Choice:
    """One of the answers that a field offers.

    :ivar label: What people choose.
    :ivar help: What it means.
    """

    label: str
    help: str = ''


@dataclass(frozen=True)
class Words:
    """What a field is called.

    :ivar label: Its name; a question where the answer is yes or no.
    :ivar help: What it should hold.
    :ivar choices: The answers by the words that the form's data have for them.
    """

    label: str
    help: str = ''
    choices: Mapping[str, Choice] = field(default_factory=dict)

    @property
    def explanation(self) -> str:
        """The help with that of each choice."""
        meanings = (f'{c.label}: {c.help}' for c in self.choices.values() if c.help)
        return ' '.join(filter(None, (self.help, *meanings)))


YES_NO = MappingProxyType({'yes': Choice('Yes'), 'no': Choice('No')})
_EMAIL = 'Such as pat@agency.example.gov.'
_HARP_ID = 'The user ID with which the person signs in to HARP.'
_WHICH = 'The part of its address before the "@", or the whole address.'
_PUBLIC = 'Needed for a public list.'

_ROLES = {
    'administrator': Choice('List Administrator', 'manages the lists.'),
    'moderator': Choice('List Moderator', 'approves messages and subscribers.'),
}
_TYPES = {
    'notification': Choice(
        'Notification', 'one way; an administrator sends news to a large group.'
    ),
    'discussion': Choice('Discussion', 'an open e-mail conversation in a group.'),
}
_VISIBILITIES = {
    'public': Choice(
        'Public', 'anybody; where no sensitive information is shared on the list.'
    ),
    'private': Choice('Private', 'a select group; an administrator approves each one.'),
}
_MASKS = {
    'administrators': Choice(
        'Administrators', 'that of the administrator who sends; the usual choice.'
    ),
    'everyone': Choice('Everyone', 'that of whoever sends.'),
    'off': Choice('Nobody', 'all addresses are shown.'),
}
_REPLIES = {
    'accept': Choice('Accept', 'released without approval.'),
    'hold': Choice('Hold', 'all wait for approval.'),
    'reject': Choice('Reject', 'all are rejected; always so on a notification list.'),
}
_CLOSINGS = {
    'archive': Choice('Archive', 'it is closed; what was sent can still be read.'),
    'delete': Choice('Delete', 'nothing of it stays.'),
}

FIELDS: Mapping[Path, Words] = MappingProxyType(
    {
        ('form',): Words('Kind of form', 'Please leave this as it is.'),
        ('ticket',): Words(
            'Ticket number',
            'Leave it empty: you are told a number. Or the number that your service '
            'desk has for this request.',
        ),
        ('requester', 'name'): Words('Your name'),
        ('requester', 'email'): Words('Your e-mail address', _EMAIL),
        ('requester', 'organization'): Words('Your organization'),
        ('approver', 'name'): Words('Name of the approver', 'Who has agreed to this.'),
        ('approver', 'email'): Words('E-mail address of the approver'),
        ('list', 'name'): Words(
            'Name of the list',
            'The part of its address before the "@", such as hqr-updates.',
        ),
        ('list', 'display_name'): Words(
            'Display name',
            'What people see, such as HQR Updates; at most '
            f'{values.MAX_DISPLAY_NAME} characters.',
        ),
        ('list', 'description'): Words(
            'Description',
            'One line for the page "Sign Up for Email Updates"; at most '
            f'{values.MAX_DESCRIPTION} characters.',
        ),
        ('list', 'type'): Words('Kind of list', choices=_TYPES),
        ('list', 'visibility'): Words('Who may subscribe', choices=_VISIBILITIES),
        ('list', 'mask'): Words('Whose address is masked', choices=_MASKS),
        ('list', 'replies'): Words(
            'Replies of members',
            'Leave it empty for the usual one.',
            _REPLIES,
        ),
        ('list', 'reply_to'): Words(
            'Reply address', 'Where answers go; leave it empty for the usual one.'
        ),
        ('list', 'bounces', 'threshold'): Words(
            'Bounce threshold',
            'Points at which mail to an address is stopped, 1 to 100; usually 5.',
        ),
        ('list', 'bounces', 'window_days'): Words(
            'Bounce window in days',
            'Days over which the points are added up, 1 to 365; usually 7.',
        ),
        ('attestations', 'no_sensitive_information'): Words(
            'Do you confirm that no sensitive information is shared?',
            f'Choose Yes if no sensitive information is shared on the list. {_PUBLIC}',
            YES_NO,
        ),
        ('attestations', 'security_policies'): Words(
            "Do you confirm that your organization's security policies are met?",
            f"Choose Yes if your organization's security policies are met. {_PUBLIC}",
            YES_NO,
        ),
        ('person', 'name'): Words(
            'Name of the person', 'Who is to look after the lists.'
        ),
        ('person', 'email'): Words('E-mail address of the person', _EMAIL),
        ('person', 'harp_id'): Words('HARP ID of the person', _HARP_ID),
        ('role',): Words('Role', choices=_ROLES),
        ('lists',): Words(
            'Names of the lists',
            'The parts of their addresses before the "@", with commas between them.',
        ),
        ('may_post',): Words(
            'Is the person to have posting privileges?',
            'Yes: may send messages to the subscribers.',
            YES_NO,
        ),
        ('list',): Words('Which list', _WHICH),
        ('bounces', 'threshold'): Words(
            'New bounce threshold',
            'Points at which mail to an address is stopped, 1 to 100; leave it empty '
            'to keep it.',
        ),
        ('bounces', 'window_days'): Words(
            'New bounce window in days',
            'Days over which the points are added up, 1 to 365; leave it empty to '
            'keep it.',
        ),
        ('action',): Words('What becomes of the list', choices=_CLOSINGS),
        ('tell_members',): Words(
            'Are the members to be told?',
            'Yes: they get a message that the list is closed.',
            YES_NO,
        ),
        ('reason',): Words('Reason', 'In a few words. Subscribers do not see it.'),
    }
)
"""The fields of all kinds of forms but those of people in lists."""

PEOPLE: Mapping[str, Words] = MappingProxyType(
    {
        'name': Words('Name'),
        'email': Words('E-mail address'),
        'harp_id': Words('HARP ID', _HARP_ID),
        'may_post': Words(
            'Posting privileges?', 'Yes: may send messages to the subscribers.', YES_NO
        ),
    }
)
"""Those of each administrator, moderator or subscriber."""

ASKERS: Mapping[str, str] = MappingProxyType(
    {
        'list-request': 'Anybody may ask. Administrators and moderators also need a '
        'role in HARP: they are told how to get it.',
        'administrator-request': 'An administrator of all these lists asks. The person '
        'also needs a role in HARP, and is told how to get it.',
        'threshold-change': 'An administrator of the list asks.',
        'list-closure': 'An administrator of the list asks. For some time the list can '
        'be opened again as it was.',
    }
)
"""Who may ask, and what else is needed."""

FOR_THE_SERVICE: tuple[Path, ...] = (('ticket',), ('form',))
"""Fields that few need to look at."""
SERVICE = Words('For the service')
"""The part that holds them."""

SECTIONS: Mapping[Path, Words] = MappingProxyType(
    {
        ('requester',): Words('About you'),
        ('approver',): Words('Who approved the request'),
        ('list',): Words('The list'),
        ('list', 'bounces'): Words('When mail comes back (bounces)'),
        ('attestations',): Words('For a public list'),
        ('person',): Words('The person'),
        ('role',): Words('What the person is to do'),
        ('bounces',): Words('When mail comes back (bounces)'),
        ('administrators',): Words('Administrators', 'At least one.'),
        ('moderators',): Words('Moderators', 'May stay empty.'),
        ('subscribers',): Words(
            'Subscribers',
            'May stay empty. Where there are many, attach a CSV file with the columns '
            'email and name.',
        ),
    }
)
"""The parts of a form, by the first path that belongs to each."""

TITLES: Mapping[str, str] = MappingProxyType(
    {
        'list-request': 'List Request Form',
        'administrator-request': 'Administrator Request Form',
        'threshold-change': 'Bounce Threshold Change Form',
        'list-closure': 'List Closure Form',
    }
)
"""What each kind of form is called."""


def words_of(path: Path) -> Words:
    """What a field is called.

    :param path: Where it is in the form; in lists of people with any number.
    """
    if len(path) == 3 and isinstance(path[1], int):
        return PEOPLE[str(path[2])]
    return FIELDS[path]


def _plain(label: str) -> str:
    """A label as it is compared: without signs, case, and mark of what is required."""
    words = label.casefold().replace(REQUIRED, '')
    return ' '.join(re.sub(r'[\W_]+', ' ', words).split())


_BY_LABEL = {_plain(each.label): path for path, each in FIELDS.items()}
_OF_PEOPLE = {_plain(each.label): key for key, each in PEOPLE.items()}


def path_of(label: str) -> Path | None:
    """The field that has a label; None where there is none."""
    return _BY_LABEL.get(_plain(label))


def key_of(heading: str) -> str | None:
    """The field of a person that has a label; None where there is none."""
    return _OF_PEOPLE.get(_plain(heading))


def choices_of(path: Path) -> Mapping[str, Choice]:
    """The answers that a field offers; none where it is free, or no field."""
    try:
        return words_of(path).choices
    except KeyError:
        return {}


def value_of(path: Path, answer: str) -> str:
    """The word that a form's data have for an answer; else the answer as it is."""
    wanted = _plain(answer)
    return next(
        (w for w, c in choices_of(path).items() if _plain(c.label) == wanted), answer
    )
