# SPDX-License-Identifier: GPL-3.0-or-later
"""What core's words mean, for the people who look after a list."""

from __future__ import annotations

#: Why a message came back.
REASONS = {
    'mailbox full': 'the mailbox is full',
    'message too large': 'the message was larger than the mail server accepts',
    'account suspended': 'the account is suspended or not in use',
    'transient failure': (
        'the mail server could not be reached, or did not take the message, for a '
        'long time'
    ),
    'address unknown': 'the mail server does not know the address',
    'domain unknown': 'the part of the address after the @ cannot be found',
    'moved': 'the mail server says that the address has moved',
    'policy or blocklist': (
        'the mail server refuses the message because of its rules or a blocklist'
    ),
    'authentication': (
        'the mail server could not make sure that the message came from the list'
    ),
    'content': 'the mail server did not accept what was in the message',
    'undetermined': 'the report does not say why',
}

#: What a bounce of a kind is (R16).
KINDS = {
    'hard': 'Hard bounce',
    'soft': 'Soft bounce',
}

#: What became of a bounce's points (R22, R23).
STATES = {
    'counted': '',
    'withheld': 'not counted: the mail server refused the list, not this address',
    'cleared': 'not counted any more: delivery was turned on again afterwards',
}

#: Whether a member gets messages.
DELIVERY = {
    'enabled': 'On',
    'by_bounces': 'Stopped because of bounces',
    'by_user': 'Turned off by the member',
    'by_moderator': 'Turned off by an administrator',
    'unknown': 'Off',
}

#: How a person's role is, where an assignment has what it needs or waits for it (R25).
GRANTS = {
    'active': 'Role active',
    'requested': 'Waiting: the role was asked for and is not approved yet',
    'denied': 'Waiting: the role was denied',
    'revoked': 'Role revoked',
    'expired': 'Role expired',
    'none': 'Waiting: the person has not had the role yet',
}

#: The senders that are hidden (R7).
MASKS = {
    'administrators': (
        'Administrators',
        'The sender is hidden on messages of administrators, moderators and people '
        'with posting privileges.',
    ),
    'everyone': ('Everyone', 'The sender is hidden on every message.'),
    'off': ('Off', 'Nobody is hidden: subscribers see who sent a message.'),
}

#: What becomes of a member's message (R4).
REPLIES = {
    'accept': ('Accept', "A member's message is delivered."),
    'hold': ('Hold', "A member's message waits for a moderator."),
    'reject': ('Reject', "A member's message is rejected with a notice."),
}

#: What a person is to a list.
ROLES = {'administrator': 'Administrator', 'moderator': 'Moderator'}


def right(entry: dict[str, object]) -> str:
    """Whether somebody who is assigned to a list may look after it now.

    :param entry: One of core's `assignments`.
    """
    state = GRANTS.get(str(entry['grant']), 'Waiting for the role')
    if entry['right'] == entry['role']:
        return 'Role active'
    if entry['right'] == 'moderator':
        return f'{state}; may moderate, and not change settings'
    return state
