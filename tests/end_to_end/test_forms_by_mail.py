# SPDX-License-Identifier: GPL-3.0-or-later
"""A form comes in by mail, an operator approves it, and the list is there.

The site has no list before that.
"""

from __future__ import annotations

import json
import smtplib

import pytest

from qnet_mailman.demo.processes import wait_until
from qnet_mailman.demo.sink import Delivered
from qnet_mailman.demo.site import Site
from tests.sites import EXAMPLES

ADDRESS = 'requests@lists.example.gov'
SENDER = 'pat@agency.example.gov'

pytestmark = pytest.mark.site(forms=(), qnet_cfg_overrides={'forms_address': ADDRESS})


def waiting(site: Site) -> list[str]:
    found = site.mailman('qnet', 'forms', 'list', '--json', check=True).stdout
    return [one['number'] for one in json.loads(found)]


def told(site: Site, address: str, subject: str) -> list[Delivered]:
    return site.delivered(
        lambda mail: mail.subject == subject and address in mail.recipients
    )


@pytest.mark.long
def test_from_the_mail_to_the_list(site: Site) -> None:
    request = (EXAMPLES / 'request.eml').read_bytes()
    request = request.replace(b'\n', b'\r\n')
    # Nothing is lost where everything is killed at once.
    site.lmtp_send(SENDER, ADDRESS, request)
    site.kill_core()
    site.start_core()
    site.lmtp_send(SENDER, ADDRESS, request)
    site.wait_idle()
    # A list, and a change of its thresholds.
    numbers = waiting(site)
    assert numbers == ['QM-000001', 'QM-000002']
    assert site.rest('GET', 'lists').json()['total_size'] == 0
    [answer, *_] = told(site, SENDER, 'Your request has arrived: QM-000001 and 1 more')
    assert answer.mail_from == ''
    approved = site.mailman('qnet', 'forms', 'approve', *numbers)
    # Nothing shows who sent it: for a new list that is told, for a change it stops.
    assert approved.returncode == 1, approved.stdout + approved.stderr
    assert waiting(site) == numbers[1:]
    assert 'WARNING: nothing shows' in approved.stderr
    site.mailman(
        'qnet', 'forms', 'approve', '--despite-warnings', numbers[1], check=True
    )
    assert 'QM-000001: created' in approved.stdout
    told(site, SENDER, 'Your request QM-000001 has been carried out')
    told(site, SENDER, 'Your request QM-000002 has been carried out')
    wait_until(lambda: not waiting(site), 10, 'no request to wait')
    assert not site.queued('shunt'), site.log_tails()


@pytest.mark.long
def test_a_mail_without_a_form_and_a_wrong_address(site: Site) -> None:
    site.lmtp_send(
        SENDER,
        ADDRESS,
        f'From: {SENDER}\r\nTo: {ADDRESS}\r\nMessage-ID: <x@agency.example.gov>\r\n'
        '\r\nPlease make a list.\r\n'.encode(),
    )
    site.delivered(lambda mail: mail.subject == 'Your message has no request form')
    with pytest.raises(smtplib.SMTPRecipientsRefused, match='550'):
        site.lmtp_send(
            SENDER, 'request@lists.example.gov', b'From: a@b.example\r\n\r\n'
        )
    with pytest.raises(smtplib.SMTPSenderRefused, match='552'):
        site.lmtp_send(SENDER, ADDRESS, bytes(100_000_000))
    assert waiting(site) == []
