# SPDX-License-Identifier: GPL-3.0-or-later
"""Attacks by request forms on a running site: over LMTP, REST and the command line."""

from __future__ import annotations

import base64
import json
import os
import smtplib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.dear.forms import mail_with, rows_of_nothing, split_parameters, yaml_items
from qnet_mailman.demo.site import Site
from tests.review.senders import mail
from tests.sites import EXAMPLES, FORM

FORMS = 'requests@lists.example.gov'
LIST = 'hqr-updates@lists.example.gov'
PAT = 'pat@agency.example.gov'
MALLORY = 'mallory@evil.example'
SHOWN = b'Authentication-Results: mx.example.gov; spf=pass smtp.mailfrom=%s\r\n'
STYLE = 'qnet-discussion-public'

pytestmark = pytest.mark.site(
    qnet_cfg_overrides={
        'forms_address': FORMS,
        'trusted_authserv_ids': 'mx.example.gov',
        'forms_max_waiting': '20',
        'forms_waiting_per_sender': '3',
        'forms_waiting_per_domain': '6',
    }
)


def waiting(site: Site) -> list[dict[str, Any]]:
    site.wait_idle(120)
    found = site.mailman('qnet', 'forms', 'list', '--json', check=True).stdout
    return json.loads(found)


@pytest.fixture(autouse=True)
def nothing_waits(site: Site) -> Iterator[None]:
    yield
    numbers = [one['number'] for one in waiting(site)]
    if numbers:
        site.mailman('qnet', 'forms', 'return', '--no-mail', *numbers, check=True)
    assert not site.queued('shunt'), site.log_tails()


def wire(content: bytes) -> bytes:
    return content.replace(b'\r\n', b'\n').replace(b'\n', b'\r\n')


def roster(site: Site) -> dict[str, Any]:
    shown = site.mailman('qnet', 'show', LIST, '--json', check=True).stdout
    found = json.loads(shown)
    return {key: found[key] for key in ('administrators', 'posters', 'threshold')}


def test_a_forged_form_with_an_old_ticket_overwrites_nobody(site: Site) -> None:
    before = roster(site)
    form = yaml.safe_load(FORM.read_text('utf-8'))
    form['administrators'] = [
        {'name': 'M', 'email': MALLORY, 'harp_id': 'pexample', 'may_post': True}
    ]
    change = yaml.safe_load((EXAMPLES / 'threshold-change.yaml').read_text('utf-8'))
    message = mail(
        ('a.yaml', yaml.safe_dump(form).encode()),
        ('b.yaml', yaml.safe_dump(change).encode()),
        sender=PAT,
    )
    site.lmtp_send(PAT, FORMS, wire(message.as_bytes()))
    numbers = [one['number'] for one in waiting(site)]
    approved = site.mailman('qnet', 'forms', 'approve', *numbers)
    assert approved.returncode == 1
    assert 'another request' in approved.stdout
    assert 'WARNING: nothing shows that it comes from' in approved.stderr
    assert roster(site) == before
    assert len(waiting(site)) == 2


def test_the_administrator_themselves_has_it_done(site: Site) -> None:
    change = (EXAMPLES / 'threshold-change.yaml').read_bytes()
    message = mail(('a.yaml', change), sender=PAT, message_id='<2@agency.example.gov>')
    shown = SHOWN % PAT.encode() + message.as_bytes()
    site.lmtp_send(PAT, FORMS, wire(shown))
    [one] = waiting(site)
    assert one['shown_by'] == 'spf=pass (agency.example.gov)'
    assert one['doubts'] == []
    site.mailman('qnet', 'forms', 'approve', one['number'], check=True)
    assert roster(site)['threshold'] == 8


def cpu_of_readers(site: Site) -> tuple[int, float]:
    """The process that reads forms, and the seconds that its children took."""
    for folder in Path('/proc').glob('[0-9]*'):
        try:
            words = (folder / 'cmdline').read_bytes().split(b'\0')
            if (
                not any(word.startswith(b'--runner=forms:') for word in words)
                or str(site.mailman_cfg).encode() not in words
            ):
                continue
            numbers = (folder / 'stat').read_text().rpartition(')')[2].split()
        except OSError:
            continue
        ticks = int(numbers[13]) + int(numbers[14])
        return int(folder.name), ticks / os.sysconf('SC_CLK_TCK')
    raise AssertionError('there is no forms runner')


def test_dear_forms_cost_a_child_two_seconds_and_the_runner_goes_on(site: Site) -> None:
    runner, before = cpu_of_readers(site)
    dear = (
        mail_with('a.xlsx', rows_of_nothing()),
        mail_with('a.yaml', yaml_items()),
        split_parameters(),
    )
    for number, content in enumerate(dear):
        sender = f'{number}@x{number}.example'.encode()
        content = content.replace(b'rae@agency.example.gov', sender, 1)
        content = content.replace(b'<dear@', b'<%d.dear@' % number)
        site.lmtp_send(sender.decode(), FORMS, wire(content))
    honest = mail(('a.yaml', FORM.read_bytes()), message_id='<honest@x.example.gov>')
    site.lmtp_send('rae@agency.example.gov', FORMS, wire(honest.as_bytes()))
    found = waiting(site)
    assert [one['kind'] for one in found][-1] == 'list-request'
    assert [one['mistakes'] for one in found][:2] == [1, 1]
    same_runner, after = cpu_of_readers(site)
    assert same_runner == runner
    assert after - before < 3 * len(dear) + 2


def test_a_dear_form_over_rest_waits_with_a_mistake(site: Site) -> None:
    content = base64.b64encode(rows_of_nothing()).decode()
    answer = site.rest(
        'POST', 'plugins/qnet/forms', {'name': 'a.xlsx', 'content': content}
    )
    assert answer.status_code == 200
    [one] = answer.json()['requests']
    assert (one['kind'], one['mistakes']) == ('', 1)


def test_seven_mails_of_999_rows_shut_nobody_out(site: Site) -> None:
    head = 'form,ticket,requester.name,requester.email,list,bounces.threshold'
    rows = [f'threshold-change,R{n},R,r@evil.example,l{n},9' for n in range(999)]
    table = '\n'.join([head, *rows]).encode()
    refused = 0
    for number in range(7):
        sender = f's{number}@evil.example'
        message = mail(
            ('t.csv', table), sender=sender, message_id=f'<{number}@evil.example>'
        )
        try:
            site.lmtp_send(sender, FORMS, wire(message.as_bytes()))
        except smtplib.SMTPDataError as error:
            refused += 1
            assert error.smtp_code == 452
        except smtplib.SMTPRecipientsRefused as error:
            refused += 1
            [(code, _text)] = error.recipients.values()
            assert code == 452
        site.wait_idle(120)
    assert len(waiting(site)) <= 6 and refused >= 1
    change = (EXAMPLES / 'threshold-change.yaml').read_bytes()
    message = mail(('a.yaml', change), sender=PAT, message_id='<3@agency.example.gov>')
    site.lmtp_send(PAT, FORMS, wire(SHOWN % PAT.encode() + message.as_bytes()))
    assert PAT in {one['sender'] for one in waiting(site)}


@pytest.mark.parametrize('name', ['hqr-updates-owner', 'requests'])
def test_neither_rest_nor_the_command_makes_a_list_there(site: Site, name: str) -> None:
    address = f'{name}@lists.example.gov'
    answer = site.rest('POST', 'lists', {'fqdn_listname': address, 'style_name': STYLE})
    assert answer.status_code == 400
    assert 'expected another name' in answer.text
    made = site.mailman('create', '--style-name', STYLE, address)
    assert made.returncode != 0
    assert 'expected another name' in made.stderr
    assert site.rest('GET', f'lists/{address}').status_code == 404
