# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps that are rarer: lists of Mailman 2.1, pages that confirm, digests sent back."""

from __future__ import annotations

import pickle
from pathlib import Path

from mailman.commands.cli_import import import21
from mailman.interfaces.mailinglist import SubscriptionPolicy

from tests.neighbour.doors import ask_to_join, command, make_list, note, post
from tests.neighbour.walk import Walk
from tests.rest.client import ask

OF_2_1 = {
    'real_name': 'Old',
    'description': 'A list of long ago',
    'subject_prefix': '[Old] ',
    'msg_header': 'This is %(real_name)s.\n',
    'msg_footer': '____\n%(real_name)s mailing list\n%(real_name)s@%(host_name)s\n'
    '%(web_page_url)slistinfo%(cgiext)s/%(_internal_name)s\n',
    'digest_footer': '____\nDigest of %(real_name)s, %(description)s\n',
    'goodbye_msg': 'You have left. Bye!\n',
    'welcome_msg': 'Welcome to the list!\n',
    'owner': ['owner@example.gov'],
    'moderator': ['moderator@example.gov'],
    'members': {'ann@clinic.example.org': 0, 'bob@clinic.example.org': 0},
    'digest_members': {'cleo@clinic.example.org': 0},
    'language': {},
    'usernames': {'ann@clinic.example.org': 'Ann'},
    'passwords': {},
    'user_options': {},
    'delivery_status': {},
    'topics_userinterest': {},
    'preferred_language': 'en',
    'ban_list': ['eve@else.example.net'],
    'personalize': 0,
    'send_goodbye_msg': 1,
    'archive': 1,
    'archive_private': 0,
    'generic_nonmember_action': 1,
    'default_member_moderation': 0,
}
"""What the ``config.pck`` of a list of Mailman 2.1 says."""


def from_mailman_2_1(walk: Walk, style: str) -> None:
    mlist = make_list(walk, style, 'imported')
    at = f'{style}, of Mailman 2.1: '
    file = Path(walk.config.VAR_DIR) / 'config.pck'
    file.write_bytes(pickle.dumps(OF_2_1, protocol=2))
    with walk.step(f'{at}import21', mlist):
        command(walk, import21, mlist.posting_address, str(file))
    for path in ('config', 'uris', 'roster/owner', 'roster/moderator'):
        with walk.step(f'{at}GET {path}'):
            note(walk, ask('GET', f'lists/{mlist.list_id}/{path}'))
    with walk.step(f'{at}a member posts', mlist):
        text = post(f'{style}old', mlist, 'Ann <ann@clinic.example.org>')
        walk.mail(mlist.posting_address, text, 'ann@clinic.example.org')
    with walk.step(f'{at}a digest', mlist):
        fields = {'send': 'True', 'bump': 'True'}
        note(walk, ask('POST', f'lists/{mlist.list_id}/digest', fields))
    with walk.step(f'{at}bob is taken off', mlist):
        found = ask('GET', f'lists/{mlist.list_id}/member/bob@clinic.example.org').json
        note(walk, ask('DELETE', f'members/{found["member_id"]}'))


def pages_that_confirm(walk: Walk, style: str) -> None:
    """What Postorius asks for whoever follows the link of a question."""
    policy = SubscriptionPolicy.confirm
    mlist = make_list(
        walk, style, 'pages', subscription_policy=policy, unsubscription_policy=policy
    )
    at = f'{style}, the page that confirms: '
    base = f'lists/{mlist.list_id}/requests'

    def confirm(what: str) -> None:
        token = walk.token()
        with walk.step(f'{at}{what} is shown'):
            note(walk, ask('GET', f'{base}/{token}'))
        with walk.step(f'{at}{what}', mlist):
            note(walk, ask('POST', f'{base}/{token}', {'action': 'accept'}))
        with walk.step(f'{at}{what} again', mlist):
            note(walk, ask('POST', f'{base}/{token}', {'action': 'accept'}))

    fields = {'list_id': mlist.list_id, 'subscriber': 'ann@clinic.example.org'}
    with walk.step(f'{at}ann asks to join', mlist):
        note(walk, ask('POST', 'members', {**fields, 'pre_verified': 'True'}))
    confirm('joining')
    with walk.step(f'{at}ann asks to leave', mlist):
        found = ask('GET', f'lists/{mlist.list_id}/member/ann@clinic.example.org').json
        fields = {'pre_confirmed': 'False', 'pre_approved': 'False'}
        note(walk, ask('DELETE', f'members/{found["member_id"]}', fields))
    confirm('leaving')


def digests_sent_back(walk: Walk, style: str) -> None:
    """Answers to a digest wait for a moderator, where the site wants that."""
    mlist = make_list(walk, style, 'digest-answers')
    ask_to_join(mlist, 'ann@clinic.example.org', 'Ann')
    at = f'{style}, hold_digest: '
    masthead = (
        f'> Send {style}-Digest-Answers mailing list submissions to\n'
        '> To subscribe or unsubscribe via email, send a message with subject or\n'
        "> body 'help' to\n> You can reach the person managing the list at\n"
        '> When replying, please edit your Subject line so it is more specific\n'
    )
    walk.config.push('held', '[mailman]\nhold_digest: yes\nmasthead_threshold: 2\n')
    try:
        for what, changes in {
            'the subject': {'subject': 'Re: Stock Digest, Vol 1, Issue 2'},
            'the masthead': {'text': masthead},
            'neither': {},
        }.items():
            with walk.step(f'{at}{what} is quoted', mlist):
                number = f'{style}{what.replace(" ", "")}'
                text = post(number, mlist, 'ann@clinic.example.org', **changes)
                walk.mail(mlist.posting_address, text, 'ann@clinic.example.org')
    finally:
        walk.config.pop('held')


def rare_steps(walk: Walk, style: str) -> None:
    """All of them."""
    from_mailman_2_1(walk, style)
    pages_that_confirm(walk, style)
    digests_sent_back(walk, style)
