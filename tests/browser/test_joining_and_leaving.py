# SPDX-License-Identifier: GPL-3.0-or-later
"""Joining and leaving as people do it: pages, mail, and the keyboard (R11-R15)."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest
import requests
import yaml
from playwright.sync_api import Page, expect

from qnet_mailman.demo.processes import wait_until
from qnet_mailman.demo.site import Delivered, Site
from tests.browser.conftest import (
    ALSO_PUBLIC,
    EXAMPLES,
    PRIVATE,
    PUBLIC,
    SIZES,
    link_in,
    look_at,
    tab_to,
)

POSTER = 'pat@agency.example.gov'
CONFIRM_LINK = r'http://\S+/signup/confirm/[0-9a-f]{40}/'
LEAVE_LINK = r'http://\S+/unsubscribe/[\w-]+/'

MailTo = Callable[..., Delivered]


def members(site: Site, list_name: str) -> set[str]:
    answer = site.rest('GET', f'lists/{list_name}/roster/member').json()
    return {entry['email'] for entry in answer.get('entries', [])}


def wait_for_member(site: Site, list_name: str, address: str) -> None:
    wait_until(
        lambda: address in members(site, list_name),
        30,
        f'{address} to be subscribed to {list_name}',
        site.core,
    )


def wait_for_no_member(site: Site, list_name: str, address: str) -> None:
    wait_until(
        lambda: address not in members(site, list_name),
        30,
        f'{address} to have left {list_name}',
        site.core,
    )


def answer(mail: Delivered, author: str, subject: str | None = None) -> tuple[str, Any]:
    """A person's answer to a message; to whom it goes, and its bytes."""
    to = str(mail.message['Reply-To'] or mail.message['From'])
    [address] = re.findall(r'[^\s<>]+@[^\s<>]+', to)
    reply = EmailMessage()
    reply['From'] = author
    reply['To'] = address
    reply['Subject'] = subject or f'Re: {mail.message["Subject"]}'
    reply['Message-ID'] = f'<{mail.number}.{author}>'
    reply['In-Reply-To'] = str(mail.message['Message-ID'])
    reply.set_content('JOIN\n')
    return address, reply.as_bytes()


def subscribe(site: Site, list_name: str, address: str) -> None:
    site.rest(
        'POST',
        'members',
        {
            'list_id': list_name.replace('@', '.'),
            'subscriber': address,
            'pre_verified': True,
            'pre_confirmed': True,
            'pre_approved': True,
            'send_welcome_message': False,
        },
    ).raise_for_status()


def sign_in(page: Page, site: Site) -> None:
    page.goto(f'{site.web_url}/accounts/login/')
    page.get_by_label('E-mail address or user name').fill(site.web_user)
    page.get_by_label('Password').fill(site.web_password)
    page.get_by_role('button', name='Sign in', exact=True).click()
    page.wait_for_url('**/start/')


def test_sign_up_with_the_keyboard_alone(
    site: Site, page: Page, mail_to: MailTo, request: pytest.FixtureRequest
) -> None:
    reader = f'new-{request.node.callspec.id}@hospital.example.org'
    page.goto(f'{site.web_url}/')
    link = page.get_by_role('link', name='Sign Up for Email Updates').first
    tab_to(page, link)
    page.keyboard.press('Enter')
    expect(page).to_have_title(re.compile('Sign Up for Email Updates'))
    look_at(page, 'sign-up')

    tab_to(page, page.get_by_role('tab', name='Public'))
    for name in ('HQR Updates', 'Measures Talk'):
        tab_to(page, page.get_by_role('checkbox', name=name))
        page.keyboard.press('Space')
    public = page.get_by_role('tab', name='Public')
    for _ in range(80):
        if public.evaluate('element => element === document.activeElement'):
            break
        page.keyboard.press('Shift+Tab')
    page.keyboard.press('ArrowRight')
    expect(page.get_by_role('tab', name='Private')).to_be_focused()
    tab_to(page, page.get_by_role('checkbox', name='HQR Workgroup'))
    page.keyboard.press('Space')
    look_at(page, 'sign-up-private')

    # A mistake first: the message is beside the field, and nothing is lost.
    tab_to(page, page.get_by_label('E-mail address'))
    page.keyboard.type('new.hospital.example.org')
    page.keyboard.press('Enter')
    field = page.get_by_label('E-mail address')
    expect(field).to_have_attribute('aria-invalid', 'true')
    described = field.get_attribute('aria-describedby')
    assert described is not None
    expect(page.locator(f'#{described}')).to_be_visible()
    look_at(page, 'sign-up-mistake')
    assert page.locator('input[name=lists]:checked').count() == 3

    tab_to(page, field)
    page.keyboard.press('Control+A')
    page.keyboard.type(f'  {reader} ')
    page.keyboard.press('Enter')
    page.wait_for_url('**/signup/done/')
    look_at(page, 'sign-up-done')

    # Two public lists are one message; its link confirms both.
    mail = mail_to(reader, 'e-mail updates')
    text = mail.text
    assert 'HQR Updates' in text and 'Measures Talk' in text
    assert 'HQR Workgroup' in text
    site.wait_idle()
    assert reader not in members(site, PUBLIC)
    page.goto(link_in(mail, CONFIRM_LINK))
    look_at(page, 'confirm')
    assert reader not in members(site, PUBLIC)
    tab_to(page, page.get_by_role('button', name='Confirm'))
    page.keyboard.press('Enter')
    expect(page.get_by_role('heading', name='Thank you')).to_be_visible()
    look_at(page, 'confirmed')
    wait_for_member(site, PUBLIC, reader)
    wait_for_member(site, ALSO_PUBLIC, reader)
    assert reader not in members(site, PRIVATE)
    # The link does not work twice, and says so.
    page.go_back()
    page.reload()
    expect(page.get_by_role('heading')).to_contain_text('Already done')
    look_at(page, 'confirm-again')

    # The private list: an administrator approves in Postorius, then the person
    # confirms, here by answering.
    notice = mail_to(POSTER, reader)
    requests_page = link_in(notice, r'http://\S+/subscription_requests')
    page.context.clear_cookies()
    sign_in(page, site)
    page.goto(requests_page)
    waiting = page.get_by_role('listitem').filter(has_text=reader)
    waiting.get_by_role('button', name='Accept').click()
    mail = mail_to(reader, 'HQR Workgroup')
    site.wait_idle()
    assert reader not in members(site, PRIVATE)
    site.lmtp_send(reader, *answer(mail, reader))
    wait_for_member(site, PRIVATE, reader)
    assert not site.queued('shunt'), site.log_tails()


def test_the_page_works_without_scripts(
    site: Site, browser: Any, mail_to: MailTo
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f'{site.web_url}/signup/')
    expect(page.get_by_role('checkbox', name='HQR Updates')).to_be_visible()
    expect(page.get_by_role('checkbox', name='HQR Workgroup')).to_be_hidden()
    page.get_by_role('checkbox', name='HQR Updates').check()
    page.get_by_role('link', name='Private').click()
    expect(page.get_by_role('checkbox', name='HQR Updates')).to_be_hidden()
    page.get_by_role('checkbox', name='HQR Workgroup').check()
    page.get_by_label('E-mail address').fill('plain@hospital.example.org')
    page.get_by_role('button', name='Sign up').last.click()
    page.wait_for_url('**/signup/done/')
    text = mail_to('plain@hospital.example.org', 'e-mail updates').text
    assert 'HQR Updates' in text and 'HQR Workgroup' in text
    context.close()


def test_leaving_by_the_link_in_a_message(
    site: Site, page: Page, mail_to: MailTo, request: pytest.FixtureRequest
) -> None:
    reader = f'link-{request.node.callspec.id}@hospital.example.org'
    subscribe(site, PUBLIC, reader)
    mail = announce(site, mail_to, reader, f'News for {reader}')
    page.goto(link_in(mail, LEAVE_LINK))
    expect(page.get_by_text('l***@hospital.example.org')).to_be_visible()
    look_at(page, 'leave')
    assert reader in members(site, PUBLIC)
    tab_to(page, page.get_by_role('button', name='Unsubscribe'))
    page.keyboard.press('Enter')
    expect(page.get_by_role('heading')).to_contain_text('You have left the list')
    look_at(page, 'left')
    wait_for_no_member(site, PUBLIC, reader)
    page.goto(link_in(mail, LEAVE_LINK)[:-4] + 'AAA/')
    expect(page.get_by_role('heading').first).to_contain_text('does not work')
    look_at(page, 'leave-forged')


def test_leaving_as_a_mail_provider_does_it(site: Site, mail_to: MailTo) -> None:
    reader = 'provider@hospital.example.org'
    subscribe(site, PUBLIC, reader)
    mail = announce(site, mail_to, reader, 'News for one click')
    assert mail.message['List-Unsubscribe-Post'] == 'List-Unsubscribe=One-Click'
    [url] = re.findall(r'<(http[^>]+)>', str(mail.message['List-Unsubscribe']))
    for _ in range(2):
        done = requests.post(
            url,
            data={'List-Unsubscribe': 'One-Click'},
            allow_redirects=False,
            timeout=300,
            proxies={'http': ''},
        )
        assert done.status_code == 200
        assert 'Set-Cookie' not in done.headers
    wait_for_no_member(site, PUBLIC, reader)


def test_leaving_by_mail(site: Site, mail_to: MailTo) -> None:
    reader = 'writer@hospital.example.org'
    subscribe(site, ALSO_PUBLIC, reader)
    asked = EmailMessage()
    asked['From'] = reader
    asked['To'] = ALSO_PUBLIC
    asked['Subject'] = ' unsubscribe '
    asked['Message-ID'] = f'<leave.{reader}>'
    asked.set_content('Please.\n')
    site.lmtp_send(reader, ALSO_PUBLIC, asked.as_bytes())
    mail = mail_to(reader, 'Unsubscribe')
    assert mail.subject == 'Unsubscribe'
    site.wait_idle()
    assert reader in members(site, ALSO_PUBLIC)
    site.lmtp_send(reader, *answer(mail, reader, 'Re: Unsubscribe'))
    wait_for_no_member(site, ALSO_PUBLIC, reader)
    mail_to(reader, 'Measures Talk')
    assert not site.queued('shunt'), site.log_tails()


def test_an_administrator_removes_a_member(
    site: Site, page: Page, request: pytest.FixtureRequest
) -> None:
    reader = f'removed-{request.node.callspec.id}@hospital.example.org'
    subscribe(site, PUBLIC, reader)
    sign_in(page, site)
    page.goto(f'{site.web_url}/mailman3/lists/{PUBLIC.replace("@", ".")}/mass_removal/')
    page.locator('textarea').first.fill(reader)
    page.locator('textarea').first.evaluate('element => element.form.submit()')
    wait_for_no_member(site, PUBLIC, reader)


def test_an_operator_decides_about_a_request_form(site: Site, page: Page) -> None:
    """In the name of somebody who does not administer the list (R25)."""
    assert page.viewport_size is not None
    wanted = 7 if page.viewport_size == SIZES['narrow'] else 8
    form = yaml.safe_load((EXAMPLES / 'threshold-change.yaml').read_text('utf-8'))
    form |= {
        'ticket': f'REQ{wanted}',
        'requester': {'name': 'M', 'email': 'm@evil.example'},
    }
    form['bounces']['threshold'] = wanted
    content = base64.b64encode(yaml.safe_dump(form).encode()).decode()
    sent = site.rest(
        'POST', 'plugins/qnet/forms', {'name': 'form.yaml', 'content': content}
    )
    [one] = sent.json()['requests']

    def threshold() -> int:
        return int(site.rest('GET', f'plugins/qnet/lists/{PUBLIC}').json()['threshold'])

    before = threshold()
    sign_in(page, site)
    page.goto(f'{site.web_url}/start/')
    page.get_by_role('link', name='What needs an operator').click()
    look_at(page, 'operators')
    page.get_by_role('link', name='The whole audit log').click()
    look_at(page, 'audit')
    page.go_back()
    page.get_by_role('link', name='All requests').click()
    look_at(page, 'requests')
    tab_to(page, page.get_by_role('rowheader').get_by_role('link', name=one['number']))
    page.keyboard.press('Enter')
    page.wait_for_url(f'**/{one["number"]}/')
    expect(page.locator('#warnings')).to_contain_text('does not administer the list')
    approve = page.get_by_role('button', name='Approve')
    tab_to(page, approve)
    page.keyboard.press('Enter')
    expect(page.locator('#problem')).to_be_focused()
    look_at(page, 'request')
    assert threshold() == before
    tab_to(page, page.get_by_label('Approve despite the warnings'))
    page.keyboard.press('Space')
    tab_to(page, approve)
    page.keyboard.press('Enter')
    expect(page.locator('main .alert').first).to_contain_text(f'Changed: {PUBLIC}')
    assert threshold() == wanted


@pytest.mark.long
def test_an_operator_adopts_a_list_and_hands_it_back(
    site: Site, page: Page, request: pytest.FixtureRequest
) -> None:
    name = f'talk-{request.node.callspec.id}@lists.example.gov'
    fields = {'fqdn_listname': name, 'style_name': 'legacy-default'}
    site.rest('POST', 'lists', fields).raise_for_status()
    sign_in(page, site)
    page.goto(f'{site.web_url}/start/')
    page.get_by_role('link', name='Adopt lists').click()
    look_at(page, 'adoptable')
    tab_to(page, page.get_by_role('rowheader').get_by_role('link', name=name))
    page.keyboard.press('Enter')
    tab_to(page, page.get_by_label('Discussion: members may post'))
    page.keyboard.press('ArrowUp')
    tab_to(page, page.get_by_role('button', name='Show what would differ'))
    page.keyboard.press('Enter')
    expect(page.get_by_role('main')).to_contain_text('default_member_action')
    look_at(page, 'adopt')
    tab_to(page, page.get_by_role('button', name=f'Adopt {name}'))
    page.keyboard.press('Enter')
    expect(page.locator('main .alert').first).to_contain_text('QualityNet Mailer now')
    look_at(page, 'hand-back')
    tab_to(page, page.get_by_role('button', name=f'Hand back {name}'))
    page.keyboard.press('Enter')
    expect(page.locator('main .alert').first).to_contain_text('own rules now')


def announce(site: Site, mail_to: MailTo, reader: str, subject: str) -> Delivered:
    """Let the list's poster write, and wait for the reader's copy."""
    post = EmailMessage()
    post['From'] = f'Pat Example <{POSTER}>'
    post['To'] = PUBLIC
    post['Subject'] = subject
    post['Message-ID'] = f'<{subject.replace(" ", ".")}@agency.example.gov>'
    post.set_content('The deadline has moved.\n')
    site.lmtp_send(POSTER, PUBLIC, post.as_bytes())
    return mail_to(reader, subject)


def fill(page: Page, **answers: str) -> None:
    """Type into fields by their labels, with the keyboard alone."""
    for label, answer in answers.items():
        tab_to(page, page.get_by_label(re.compile(label.replace('_', '.'))).first)
        page.keyboard.type(answer)


def choose(page: Page, name: str) -> None:
    tab_to(page, page.get_by_role('radio', name=name, exact=True))
    page.keyboard.press('Space')


def go_on(page: Page, name: str) -> None:
    """See that a step is fit for everybody, and send it."""
    look_at(page, f'asking-{name}')
    tab_to(page, page.get_by_role('button', name='Continue', exact=True))
    page.keyboard.press('Enter')
    expect(page).not_to_have_url(re.compile(f'/{name}/$'))


@pytest.mark.long
def test_asking_for_a_list_with_the_keyboard_alone(
    site: Site, page: Page, mail_to: MailTo, request: pytest.FixtureRequest
) -> None:
    size = request.node.callspec.id
    rae = f'rae-{size}@agency.example.gov'
    page.goto(f'{site.web_url}/forms/')
    look_at(page, 'request-forms')
    tab_to(page, page.get_by_role('link', name='Ask on this site (A new mailing list)'))
    page.keyboard.press('Enter')
    fill(page, Your_name='Rae Requester', Your_e_mail='rae at agency')
    page.keyboard.press('Enter')
    # The summary has the focus, and leads to the field, whose mistake is beside it.
    expect(page).to_have_title(re.compile('^Error: About you'))
    expect(page.get_by_role('alert')).to_be_focused()
    look_at(page, 'asking-mistake')
    page.keyboard.press('Tab')
    page.keyboard.press('Enter')
    field = page.get_by_label('Your e-mail address')
    expect(field).to_be_focused()
    expect(field).to_have_value('rae at agency')
    expect(field).to_have_accessible_description(re.compile('Enter an e-mail address'))
    page.keyboard.press('Control+A')
    page.keyboard.type(rae)
    go_on(page, 'you')
    go_on(page, 'approval')
    choose(page, 'Notification')
    fill(page, Display_name=f'News {size}', Name_of_the_list=f'web-{size}')
    fill(page, Description='What is new.')
    go_on(page, 'list')
    choose(page, 'Public')
    go_on(page, 'subscribing')
    for question in page.get_by_role('radio', name='Yes').all():
        tab_to(page, question)
        page.keyboard.press('Space')
    go_on(page, 'public')
    go_on(page, 'messages')
    go_on(page, 'masking')
    fill(page, Name='Pat Example', E_mail=POSTER, HARP_ID='pexample')
    go_on(page, 'administrators')
    go_on(page, 'moderators')
    fill(page, Paste='reader@hospital.example.org')
    tab_to(page, page.locator('summary'))
    page.keyboard.press('Enter')
    expect(page.get_by_label('Bounce threshold')).to_have_value('5')
    go_on(page, 'subscribers')
    look_at(page, 'asking-check')
    tab_to(page, page.get_by_role('button', name='Send the request'))
    page.keyboard.press('Enter')
    expect(page.get_by_role('heading', level=1)).to_have_text('Check your e-mail')
    look_at(page, 'asking-sent')
    mail = mail_to(rae, 'Please confirm your request')
    page.goto(link_in(mail, r'http://\S+/forms/confirm/[0-9a-f]{40}/'))
    look_at(page, 'asking-confirm')
    tab_to(page, page.get_by_role('button', name='Confirm and send'))
    page.keyboard.press('Enter')
    expect(page.get_by_text(re.compile('Its number is QM-'))).to_be_visible()
    look_at(page, 'asking-confirmed')
    assert f'News {size}' in mail_to(rae, 'Your request has arrived').text
