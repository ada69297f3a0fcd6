# SPDX-License-Identifier: GPL-3.0-or-later
"""Each text of the service, filled in with something for each of its names."""

from __future__ import annotations

from importlib.resources import files
from string import Template

from qnet_mailman.templates.loader import ours

PARTS_OF_OTHERS = {
    'list:member:digest:masthead',
    'list:member:generic:footer',
    'qnet:mail:frame',
}
"""Texts that are no mail of their own."""

_WHERE = 'https://lists.example.gov'
_ANSWER = 'The first line of your answer must be this one word:\n\n  JOIN'
_LINES = '  QM-000001  list-request, news@lists.example.gov, REQ0001234'
VALUES = {
    'about': 'News about hospital quality reporting.\n\n',
    'advice': '  1. Look at the address: is it spelled as yours is?\n  2. Sign up.',
    'addresses': '  news@lists.example.gov\n      messages to the subscribers',
    'again': f'You can ask again:\n\n  Sign up again:\n  {_WHERE}/signup/\n\n',
    'after': 'After that it is deleted.',
    'answer': 'This is not mine.',
    'answers': '  Kind of list: Notification\n  Who may subscribe: Public',
    'approved': 'The administrators have approved it.\n\n',
    'archive': 'Its archive stays where it is.',
    'attached': 'The table is attached as bounces.csv.',
    'author': 'pat@agency.example.gov',
    'by_web': f'open\n\n  Confirm:\n  {_WHERE}/signup/confirm/{"0a" * 20}/\n\nor ',
    'changes': '  Threshold:        5 points -> 8 points\n  Window:  7 days -> 9 days',
    'closed': 'March 2, 2026',
    'confirm_email': f'confirm+{"0a" * 24}@lists.example.gov',
    'contact': 'help@example.gov',
    'day': 'March 2, 2026',
    'description': 'News about hospital quality reporting.',
    'display_name': 'HQR Updates',
    'domain': 'lists.example.gov',
    'expires': 'March 5, 2026, 12:00 UTC',
    'form': 'List Request Form',
    'harp': f'Look after the list with HARP:\n\n     Sign in:\n     {_WHERE}',
    'hours': '72',
    'how_to_answer': _ANSWER,
    'link': f'{_WHERE}/forms/confirm/{"0a" * 20}/',
    'how_to_join': f'To come back, open\n\n  Sign up:\n  {_WHERE}/signup/?lists=news',
    'how_to_decide': (
        f'To decide, open\n\n  Decide about it:\n  {_WHERE}/decide/{"a2" * 32}/\n\n'
        'or answer this message.\nThe first line of your answer must be one of these '
        'words:\n\n  APPROVE  they join, once they confirm it\n'
        '  REFUSE   they are told that you refuse'
    ),
    'list': '"HQR Updates" <news@lists.example.gov>',
    'listname': 'news@lists.example.gov',
    'lists': '  "HQR Updates"\n  <news@lists.example.gov>',
    'member': 'Ana Example <ana@example.org>',
    'members': 'Its 3 members have been told.',
    'message_id': '<one@example.org>',
    'moment': 'March 2, 2026, 12:00 UTC',
    'name': 'Pat Example',
    'number': '1',
    'numbers': '  QM-000001',
    'owner_email': 'news-owner@lists.example.gov',
    'owners': '  news-owner@lists.example.gov',
    'people': '  Administrator:    Pat Example <pat@agency.example.gov>',
    'posting': 'You have posting privileges.',
    'provider': 'HARP',
    'reason': 'The message is too large: 12 MB of at most 10 MB.',
    'removal_date': 'March 23, 2026',
    'reply': '552 5.3.4 Message size exceeds limit',
    'reply_address': f'confirm+{"0a" * 24}@lists.example.gov',
    'request': 'Your message "Meeting"',
    'request_email': 'news-request@lists.example.gov',
    'requester': 'Sam Sample',
    'requests': _LINES,
    'results': '  join: you get a message to answer.',
    'role': 'List Administrator',
    'rows': (
        'Delivery stopped\n----------------\nThe score reached the threshold.\n\n'
        '  Address                       Kind  Reason               Score\n'
        '  gone@example.net              hard  address unknown      5/5\n'
        f'  {"a" * 60}\n  @department.example.org\n'
        '                                hard  address unknown      2/5'
    ),
    'settings': '  Kind:             public notification list\n  Bounces: 5 points',
    'short_listname': 'news',
    'size': '5120',
    'stage': 'pipeline',
    'state': 'If this goes on, the list stops sending messages to this address.',
    'subject': 'Meeting',
    'support_address': 'help@example.gov',
    'support_contact': '  E-mail: help@example.gov\n  Phone:  1-800-555-0100\n'
    '  Chat:   https://chat.example.gov/mailer',
    'then': 'The message was not delivered. You can change it and send it again.',
    'threshold': '5 points',
    'ticket': 'REQ0001234',
    'to_members': 'A text to send:\n\n  Messages do not reach you.\n\n  1. Sign up.',
    'token': '0a' * 20,
    'tried': 'request.xls: an old spreadsheet; save it as .xlsx.\n',
    'until': 'April 1, 2026',
    'user_email': 'ana@example.org',
    'user_id': 'pexample',
    'warnings': '3',
    'what': f'YOUR CONFIRMATION IS NEEDED for\n\n  HQR Updates\n\n{_ANSWER}',
    'what_happened': 'The last message came back on March 2, 2026.',
    'when': 'March 2, 2026, 12:00 UTC',
    'where': f'  Decide about the message:\n  {_WHERE}/mailman3/lists/news/',
    'which': '"Meeting", March 2, 2026, ',
    'who_writes': 'To write to all its members, write to\n\n  news@example.gov',
    'why': 'It has the field "Precedence: bulk".',
    'window_days': '7 days',
    'yours': 'Link and answer are yours alone.\n\n',
}


def names() -> list[str]:
    """The names of all texts that are a mail."""
    folder = files('qnet_mailman').joinpath('templates', 'en')
    found = {entry.name.removesuffix('.txt') for entry in folder.iterdir()}
    return sorted(found - PARTS_OF_OTHERS)


def filled(name: str) -> str:
    """A text, with a value for each of its names.

    :raises KeyError: for a name that has none here.
    """
    return Template(str(ours(name))).substitute(VALUES)
