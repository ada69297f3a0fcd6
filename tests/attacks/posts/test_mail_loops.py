# SPDX-License-Identifier: GPL-3.0-or-later
"""The attack: lists that are members of each other, or of a forwarder's.

Each post would go round for ever, to everybody each time.
"""

from __future__ import annotations

import email
import email.message
from typing import Any

import pytest

from qnet_mailman.demo.site import Site

DOMAIN = 'lists.example.gov'
AUTHOR = 'lee@example.org'


def make_list(site: Site, name: str, mask: str, members: list[str]) -> str:
    """A discussion list."""
    address = f'{name}@{DOMAIN}'
    made = site.rest(
        'POST',
        'lists',
        {'fqdn_listname': address, 'style_name': 'qnet-discussion-public'},
    )
    made.raise_for_status()
    site.mailman('qnet', 'set', address, f'mask={mask}', check=True)
    for member in members:
        join(site, address, member)
    return address


def join(site: Site, address: str, member: str) -> None:
    site.rest(
        'POST',
        'members',
        {
            'list_id': address.replace('@', '.'),
            'subscriber': member,
            'pre_verified': True,
            'pre_confirmed': True,
            'pre_approved': True,
            'send_welcome_message': False,
        },
    ).raise_for_status()


def join_unasked(site: Site, address: str, member: str) -> None:
    """What no way in does: "sublists add" refuses the second half of a ring."""
    lines = (
        'from zope.component import getUtility',
        'from mailman.interfaces.usermanager import IUserManager',
        f"user = getUtility(IUserManager).make_user('{member}')",
        '_ = m.subscribe(next(iter(user.addresses)))',
        'commit()',
        '',
    )
    site.mailman('shell', '-l', address, input='\n'.join(lines), check=True)
    found = site.rest('GET', f'lists/{address}/member/{member}')
    found.raise_for_status()


def copies(site: Site, reader: str) -> list[Any]:
    return [m for m in site.messages() if reader in m.recipients and m.subject]


def news(to: str, subject: str) -> bytes:
    return (
        f'From: Lee <{AUTHOR}>\r\nTo: {to}\r\nSubject: {subject}\r\n'
        f'Message-ID: <{subject}@example.org>\r\n\r\nHello.\r\n'
    ).encode()


@pytest.mark.parametrize('mask', ['off', 'everyone'])
def test_two_lists_in_each_other(site: Site, mask: str) -> None:
    readers = [f'first-{mask}@hospital.test', f'second-{mask}@hospital.test']
    first = make_list(site, f'first-{mask}', mask, [AUTHOR, readers[0]])
    second = make_list(site, f'second-{mask}', mask, [AUTHOR, readers[1]])
    for address in (first, second):
        # The copy for the other list has only this list in its To.
        site.rest(
            'PATCH',
            f'lists/{address}/config',
            {'require_explicit_destination': 'false'},
        ).raise_for_status()
    site.mailman('qnet', 'sublists', 'add', first, second, check=True)
    assert site.mailman('qnet', 'sublists', 'add', second, first).returncode == 1
    join_unasked(site, second, first)
    site.lmtp_send(AUTHOR, first, news(first, f'round-{mask}'))
    for reader in readers:
        site.delivered(
            lambda mail, reader=reader: (
                reader in mail.recipients and f'round-{mask}' in mail.subject
            ),
            timeout=60,
        )
    site.wait_idle()
    for reader in readers:
        got = [m for m in copies(site, reader) if f'round-{mask}' in m.subject]
        assert len(got) == 1
    assert not site.queued('shunt'), site.log_tails()


def as_sent(msg: email.message.Message) -> bytes:
    """A message as it goes over the wire."""
    return msg.as_bytes(policy=msg.policy.clone(linesep='\r\n'))


@pytest.mark.parametrize('mask', ['off', 'everyone'])
def test_a_forwarder(site: Site, mask: str) -> None:
    """Another list's software: its own List-Id, its own envelope, the rest as it is."""
    forwarder = f'forwarder-{mask}@elsewhere.test'
    address = make_list(site, f'forwarded-{mask}', mask, [AUTHOR, forwarder])
    site.lmtp_send(AUTHOR, address, news(address, f'forwarded-{mask}'))
    (copy,) = site.delivered(
        lambda mail: forwarder in mail.recipients and 'forwarded' in mail.subject,
        timeout=60,
    )
    assert AUTHOR not in copy.mail_from
    msg = email.message_from_bytes(copy.data)
    for name in list(msg.keys()):
        if name.lower().startswith('list-'):
            del msg[name]
    msg['List-Id'] = '<other.elsewhere.test>'
    # Welcomes are still on their way.
    site.wait_idle()
    mark = len(site.messages())
    site.lmtp_send('other-bounces@elsewhere.test', address, as_sent(msg))
    site.wait_idle()
    assert not [m for m in site.messages()[mark:] if 'forwarded' in m.subject]
    assert not site.rest('GET', f'lists/{address}/held').json().get('entries')
    assert not site.queued('shunt'), site.log_tails()
