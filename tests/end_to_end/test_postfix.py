# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailman behind and before Postfix with the settings of `etc/postfix`: a first server
and a relay."""

from __future__ import annotations

import json
import re
import smtplib
from collections.abc import Iterator
from functools import partial

import pytest

from qnet_mailman.demo.ports import HOST, Reservation
from qnet_mailman.demo.processes import Child, wait_until
from qnet_mailman.demo.sink import Refusal
from qnet_mailman.demo.site import Site
from qnet_mailman.subscriptions.one_click import BATCH
from tests import postfix
from tests.end_to_end.conftest import LIST, POSTER, READER, announcement
from tests.end_to_end.test_fan_out import add_members, nobody_bounced, readers
from tests.sites import FORM

MEMBERS = BATCH + 100
GONE = 'gone@hospital.example.org'
NAME, _, DOMAIN = LIST.partition('@')


class Host:
    """A site and its mail servers.

    :ivar port: Where the first Postfix takes mail.
    :ivar relay: Where the relay does.
    """

    def __init__(self, site: Site, port: int, relay: int, server: Child) -> None:
        self.site = site
        self.port = port
        self.relay = relay
        self.server = server

    def client(
        self, *, from_outside: bool = True, port: int | None = None
    ) -> smtplib.SMTP:
        client = smtplib.SMTP(HOST, port or self.port, timeout=300)
        client.ehlo('mx.agency.example.gov')
        if from_outside:
            assert client.docmd('XCLIENT ADDR=192.0.2.1 NAME=[UNAVAILABLE]')[0] == 220
            client.ehlo('mx.agency.example.gov')
        return client

    def send(self, mail_from: str, to: str, data: bytes) -> None:
        with self.client() as client:
            client.sendmail(mail_from, to, data)

    def rcpt(self, address: str) -> tuple[int, str]:
        with self.client() as client:
            client.mail('ann@example.org')
            code, text = client.rcpt(address)
        return code, text.decode()


@pytest.fixture(scope='module')
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    postfix.require()
    ports = Reservation()
    port, relay = ports.take(), ports.take()
    site = Site(
        tmp_path_factory.mktemp('site'),
        web=False,
        extra_cfg=(
            f'[mta]\nincoming: qnet_mailman.mta.postfix.LMTP\n'
            f'smtp_host: {HOST}:{port}, {HOST}:{relay}\n'
            '[runner.bounces]\nsleep_time: 0.1s\n'
        ),
    )
    with site:
        site.mailman('qnet', 'provision', str(FORM), check=True)
        add_members(site, MEMBERS)
        ports.release()
        start = partial(
            postfix.running, maps=site.var / 'data', relay_port=site.smtp_port
        )
        bounces = f'inline:{{{DOMAIN}=smtp:[{HOST}]:{port}}}'
        with (
            start(port) as server,
            start(relay, file='relay.cf', transport_maps=bounces),
        ):
            yield Host(site, port, relay, server)


@pytest.mark.long
def test_a_post_to_many(host: Host) -> None:
    host.send(POSTER, LIST, announcement('many'))
    wanted = {READER, *readers(MEMBERS)}
    site = host.site

    def found() -> list[str]:
        mails = [mail for mail in site.messages() if mail.subject == 'many']
        return [to for mail in mails for to in mail.recipients]

    wait_until(lambda: wanted <= set(found()), 90, 'all to have it', host.server)
    site.wait_idle()
    assert len(found()) == len(set(found()))
    mails = [mail for mail in site.messages() if mail.subject == 'many']
    assert re.fullmatch(rf'bounces\+[a-z2-7]{{48}}@{DOMAIN}', mails[-1].mail_from)
    received = str(mails[-1].message['Received'])
    assert re.search(r'by (mx|relay)\.example\.gov \(Postfix\)', received)
    nobody_bounced(site)


@pytest.mark.long
def test_unknown_addresses_are_refused_at_once(host: Host) -> None:
    for address in (f'nobody@{DOMAIN}', f'nobody-bounces+a=b@{DOMAIN}'):
        code, text = host.rcpt(address)
        assert code == 550
        assert 'User unknown in relay recipient table' in text
    # Nor does it relay for strangers.
    assert host.rcpt('somebody@elsewhere.example.org')[0] == 554


@pytest.mark.long
def test_each_address_of_a_list_is_there(host: Host) -> None:
    local = ['', '-bounces', '-confirm', '-join', '-leave', '-owner', '-request']
    local += ['-subscribe', '-unsubscribe', '-bounces+a.b=c.example.org']
    local += ['-confirm+' + '0' * 40, '-BOUNCES+A=b']
    for suffix in local:
        assert host.rcpt(f'{NAME}{suffix}@{DOMAIN}')[0] == 250, suffix
    # Whatever the token: a report that is forged is to be told of.
    for returned in ('bounces', 'bounces+' + 'a' * 48, 'BOUNCES+X'):
        assert host.rcpt(f'{returned}@{DOMAIN}')[0] == 250, returned


@pytest.mark.long
def test_a_new_list_needs_no_restart(host: Host) -> None:
    assert host.rcpt(f'fresh@{DOMAIN}')[0] == 550
    host.site.mailman('create', f'fresh@{DOMAIN}', check=True)
    wait_until(
        lambda: host.rcpt(f'fresh-owner@{DOMAIN}')[0] == 250, 30, 'it to be known'
    )


@pytest.mark.long
def test_leaving_by_mail(host: Host) -> None:
    leave = f'{NAME}-leave@{DOMAIN}'
    data = announcement('unsubscribe').replace(LIST.encode(), leave.encode())
    host.send(READER, leave, data.replace(POSTER.encode(), READER.encode()))
    (mail,) = host.site.delivered(
        lambda mail: mail.recipients == (READER,) and 'Unsubscribe' in mail.subject
    )
    confirm = str(mail.message['Reply-To'] or mail.message['From'])
    assert 'confirm+' in confirm
    assert host.rcpt(confirm.upper())[0] == 250


@pytest.mark.long
def test_a_bounce_comes_back(host: Host) -> None:
    site = host.site
    answer = site.rest(
        'POST',
        'members',
        {
            'list_id': LIST.replace('@', '.'),
            'subscriber': GONE,
            **dict.fromkeys(('pre_verified', 'pre_confirmed', 'pre_approved'), True),
            'send_welcome_message': False,
        },
    )
    assert answer.status_code == 201, answer.text
    # Postfix took it, and hears only then.
    site.refuse({GONE: Refusal('550 5.1.1 No such user', at='data')})
    host.send(POSTER, LIST, announcement('bouncing'))

    def rows() -> list[dict[str, object]]:
        done = site.mailman('qnet', 'bounces', LIST, '--json', check=True)
        found = json.loads(done.stdout)
        return [row for row in found if row['address'] == GONE]

    wait_until(lambda: bool(rows()), 60, 'the bounce to count', host.server)
    site.refuse({})
    assert rows()[0]['score'] == 1
    site.wait_idle()
    assert not site.queued('shunt'), site.log_tails()


@pytest.mark.long
def test_a_relay_sends_for_mailman_alone_and_leads_bounces_home(host: Host) -> None:
    with host.client(port=host.relay) as stranger:
        stranger.mail('ann@example.org')
        assert stranger.rcpt(LIST)[0] == 554
    site = host.site
    host.send(POSTER, LIST, announcement('by a relay'))
    (copy,) = site.delivered(
        lambda mail: mail.subject == 'by a relay' and mail.recipients == (READER,), 90
    )
    site.refuse({READER: Refusal('550 5.1.1 No such user', at='data')})
    with host.client(port=host.relay, from_outside=False) as mailman:
        mailman.sendmail(copy.mail_from, READER, copy.data)

    def counted() -> bool:
        done = site.mailman('qnet', 'bounces', LIST, '--json', check=True)
        return READER in {row['address'] for row in json.loads(done.stdout)}

    wait_until(counted, 90, 'the bounce to count', host.server)
    site.refuse({})


@pytest.mark.long
def test_nobody_smuggles_a_second_message(host: Host) -> None:
    envelope = f'MAIL FROM:<{POSTER}>\r\nRCPT TO:<{LIST}>\r\nDATA\r\n'.encode()
    data = announcement('honest')
    for end in (b'\n.\n', b'\n.\r\n', b'\r\n.\n', b'\r.\r'):
        data += end + envelope + announcement('smuggled')
    with host.client() as client:
        client.mail(POSTER)
        client.rcpt(LIST)
        assert client.docmd('DATA')[0] == 354
        client.send(data + b'\r\n.\r\n')
        assert client.getreply()[0] == 250
    host.site.delivered(lambda mail: mail.subject == 'honest', 60)
    host.site.wait_idle(60)
    assert not [m for m in host.site.messages() if m.subject == 'smuggled']


@pytest.mark.long
def test_what_is_too_large_for_mailman_is_refused_at_once(host: Host) -> None:
    with host.client() as client:
        code, _ = client.mail('ann@example.org', ['SIZE=33554432'])
        assert code == 552
