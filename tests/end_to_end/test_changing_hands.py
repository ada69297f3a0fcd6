# SPDX-License-Identifier: GPL-3.0-or-later
"""Posts over LMTP while a list is adopted and handed back, again and again (R40)."""

from __future__ import annotations

import threading
from collections import Counter

from qnet_mailman.demo.site import Site

LIST = 'hands@lists.example.gov'
PATH = f'plugins/qnet/lists/{LIST}/adoption'
OWNER = 'olga@agency.test'
READERS = ('ann@clinic.test', 'bob@clinic.test')
POSTS = 25


def furnish(site: Site) -> None:
    """A list of Mailman's own, whose owner holds the role."""
    fields = {'fqdn_listname': LIST, 'style_name': 'legacy-default'}
    assert site.rest('POST', 'lists', fields).status_code == 201
    for role, address in (
        ('owner', OWNER),
        *(('member', one) for one in (OWNER, *READERS)),
    ):
        fields = {
            'list_id': LIST.replace('@', '.'),
            'subscriber': address,
            'role': role,
            'send_welcome_message': 'False',
            **dict.fromkeys(('pre_verified', 'pre_confirmed', 'pre_approved'), 'True'),
        }
        assert site.rest('POST', 'members', fields).status_code == 201
    site.mailman(
        *('qnet', 'roles', 'approve', 'olga', '--role', 'administrator'),
        *('--email', OWNER, '--no-mail'),
        check=True,
    )


def test_each_post_reaches_each_member_once(site: Site) -> None:
    furnish(site)
    site.wait_idle()
    before = len(site.messages())
    at_work = threading.Event()
    switches: list[int] = []

    def switch() -> None:
        while not at_work.is_set():
            for action in ('adopt', 'release'):
                answer = site.rest('POST', PATH, {'action': action})
                switches.append(answer.status_code)

    operator = threading.Thread(target=switch)
    operator.start()
    try:
        for number in range(POSTS):
            site.lmtp_send(
                OWNER,
                LIST,
                f'From: Olga <{OWNER}>\r\nTo: {LIST}\r\nSubject: Post {number}.\r\n'
                f'Message-ID: <hands{number}@agency.test>\r\n\r\n'
                f'Number {number}.\r\n'.encode(),
            )
        site.wait_idle()
    finally:
        at_work.set()
        operator.join()
    site.wait_idle()
    copies = [
        (mail, to)
        for mail in site.messages()[before:]
        if 'Post ' in mail.subject
        for to in mail.recipients
    ]
    got = Counter((mail.subject.partition('Post ')[2], to) for mail, to in copies)
    assert got == Counter(
        {(f'{n}.', to): 1 for n in range(POSTS) for to in (OWNER, *READERS)}
    ), site.log_tails()
    assert not site.queued('shunt'), site.log_tails()
    # Both kinds of rules had their turns, and neither refused what it was asked.
    assert set(switches) == {200} and len(switches) > 4
    ours = [mail for mail, _to in copies if mail.mail_from.startswith('bounces+')]
    assert ours and len(ours) < len(copies)
    for mail in ours:
        text = mail.message.as_string()
        assert OWNER not in text.replace(f'To: {OWNER}', '') and 'Olga' not in text
