# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of the demo about joining and leaving (R11-R15).

What a person does in a browser or a mail program is done here over HTTP and LMTP.
"""

from __future__ import annotations

import re
from email.message import EmailMessage
from email.utils import formataddr, make_msgid

from qnet_mailman.demo.configuration import ROOT
from qnet_mailman.demo.processes import ANSWER_TIMEOUT, DemoError, wait_until
from qnet_mailman.demo.site import Delivered
from qnet_mailman.demo.story import (
    Person,
    Step,
    Story,
    body_lines,
    header_lines,
    web_session,
)

#: A private list, for the steps about approval.
PRIVATE_FORM = ROOT / 'provisioning/examples/discussion-private.json'
PRIVATE_LIST = 'hqr-workgroup'

NEWCOMER = Person('Jo Newcomer', 'jo@clinic.example.org')


def sign_up(story: Story) -> None:
    """Somebody new signs up for a public and a private list on one page."""
    site = story.site
    form = str(PRIVATE_FORM.relative_to(ROOT))
    with story.narrator.step(f'Provisioning the request form {form}'):
        site.mailman('qnet', 'provision', form, check=True)
        site.wait_idle()
    url = f'{site.web_url}/signup/'
    mark = len(site.messages())
    with (
        story.narrator.step(f'{NEWCOMER.name} fills in the page {url}'),
        web_session() as web,
    ):
        page = web.get(url, timeout=ANSWER_TIMEOUT).text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        if token is None:
            raise DemoError(f'{url} has no form:\n{page[:1000]}')
        answer = web.post(
            url,
            data={
                'csrfmiddlewaretoken': token[1],
                'lists': [story.list_id, _private(story).replace('@', '.')],
                'address': NEWCOMER.email,
                'name': NEWCOMER.name,
                'button': 'sign-up',
            },
            headers={'Referer': url},
            timeout=ANSWER_TIMEOUT,
        )
        if not answer.url.endswith('/done/'):
            raise DemoError(f'{url} does not take the form:\n{answer.text[:2000]}')
        mail = _mail_to(story, NEWCOMER, mark)
    story.narrator.show(
        f'The one e-mail that {NEWCOMER.email} got',
        f'{header_lines(mail.message)}\n\n{body_lines(mail, 60)}',
    )
    link = _link(mail, rf'{re.escape(site.web_url)}/signup/confirm/\w+/')
    with (
        story.narrator.step('Opening the link in it changes nothing'),
        web_session() as web,
    ):
        web.get(link, timeout=ANSWER_TIMEOUT).raise_for_status()
        site.wait_idle()
    _require_member(story, story.list_address, False)
    with story.narrator.step('Pressing the button on its page'), web_session() as web:
        web.post(link, timeout=ANSWER_TIMEOUT).raise_for_status()
        site.wait_idle()
    _require_member(story, story.list_address, True)
    _require_member(story, _private(story), False)


def approve(story: Story) -> None:
    """For the private list an administrator approves first."""
    site = story.site
    list_id = _private(story).replace('@', '.')
    mark = len(site.messages())
    with story.narrator.step('An administrator approves the request, as in Postorius'):
        waiting = site.rest(
            'GET', f'lists/{list_id}/requests', {'token_owner': 'moderator'}
        ).json()
        token = next(
            entry['token']
            for entry in waiting.get('entries', [])
            if entry['email'] == NEWCOMER.email
        )
        site.rest(
            'POST', f'lists/{list_id}/requests/{token}', {'action': 'accept'}
        ).raise_for_status()
        mail = _mail_to(story, NEWCOMER, mark)
    story.narrator.show(
        f'As {NEWCOMER.email} got it',
        f'{header_lines(mail.message)}\n\n{body_lines(mail, 60)}',
    )
    _require_member(story, _private(story), False)
    with story.narrator.step(f'{NEWCOMER.name} answers it'):
        _answer(story, NEWCOMER, mail)
        site.wait_idle()
    _require_member(story, _private(story), True)


def one_click(story: Story) -> None:
    """Each copy of a message has a link with which its reader leaves."""
    site = story.site
    author = story.administrator
    subject = 'The new measures are out'
    with story.narrator.step(f'{author.name} posts another announcement'):
        mark = story.post(author, story.message(author, subject, 'Have a look.\n'))
        copy = story.copies(NEWCOMER, mark, subject)[0]
    story.narrator.show(
        f'As {NEWCOMER.email} received it',
        f'{header_lines(copy.message)}\n\n{body_lines(copy)}',
    )
    found = re.search(r'<(http[^>]+)>', str(copy.message['List-Unsubscribe']))
    if found is None:
        raise DemoError(f'Message {copy.number} has no link:\n{copy.message}')
    link = found[1]
    with (
        story.narrator.step('A mail program\'s "Unsubscribe" button (RFC 8058)'),
        web_session() as web,
    ):
        done = web.post(
            link,
            data={'List-Unsubscribe': 'One-Click'},
            allow_redirects=False,
            timeout=ANSWER_TIMEOUT,
        )
        if done.status_code != 200:
            raise DemoError(f'{link}: status {done.status_code}')
        site.wait_idle()
    _require_member(story, story.list_address, False)


def unsubscribe(story: Story) -> None:
    """A message with the subject Unsubscribe leaves, too, once it is confirmed."""
    site = story.site
    mark = len(site.messages())
    asked = _write(NEWCOMER, _private(story), 'Unsubscribe')
    with story.narrator.step(f'{NEWCOMER.name} writes "Unsubscribe" to the list'):
        site.lmtp_send(NEWCOMER.email, _private(story), asked.as_bytes())
        mail = _mail_to(story, NEWCOMER, mark)
    story.narrator.show(
        f'As {NEWCOMER.email} got it',
        f'{header_lines(mail.message)}\n\n{body_lines(mail, 60)}',
    )
    _require_member(story, _private(story), True)
    mark = len(site.messages())
    with story.narrator.step(f'{NEWCOMER.name} answers it'):
        _answer(story, NEWCOMER, mail)
        goodbye = _mail_to(story, NEWCOMER, mark)
        site.wait_idle()
    story.narrator.show(
        f'As {NEWCOMER.email} got it',
        f'{header_lines(goodbye.message)}\n\n{body_lines(goodbye, 60)}',
    )
    _require_member(story, _private(story), False)


STEPS: tuple[Step, ...] = (sign_up, approve, one_click, unsubscribe)


def _private(story: Story) -> str:
    return f'{PRIVATE_LIST}@{story.site.domain}'


def _mail_to(story: Story, reader: Person, mark: int) -> Delivered:
    """The first message to a reader after another."""
    return story.site.delivered(
        lambda mail: mail.number > mark and reader.email in mail.recipients
    )[0]


def _link(mail: Delivered, pattern: str) -> str:
    found = re.search(pattern, body_lines(mail, 200))
    if found is None:
        raise DemoError(f'Message {mail.number} has no link:\n{mail.message}')
    return found[0]


def _write(author: Person, to: str, subject: str) -> EmailMessage:
    message = EmailMessage()
    message['From'] = formataddr((author.name, author.email))
    message['To'] = to
    message['Subject'] = subject
    message['Message-ID'] = make_msgid(domain=author.email.partition('@')[2])
    message.set_content('\n')
    return message


def _answer(story: Story, author: Person, mail: Delivered) -> None:
    """Let somebody press "Reply", write the word that is asked for, and send."""
    to = str(mail.message['Reply-To'] or mail.message['From'])
    address = re.findall(r'[^\s<>]+@[^\s<>]+', to)[-1]
    answer = _write(author, address, f'Re: {mail.message["Subject"]}')
    word = re.search(r'this one word:\s+(\S+)', body_lines(mail, 60))
    if word is not None:
        answer.set_content(f'{word[1]}\n')
    story.site.lmtp_send(author.email, address, answer.as_bytes())


def _require_member(story: Story, list_name: str, wanted: bool) -> None:
    """See that the newcomer is subscribed, or is not, and say so."""
    site = story.site

    def is_member() -> bool:
        answer = site.rest('GET', f'lists/{list_name}/roster/member')
        answer.raise_for_status()
        return any(
            entry['email'] == NEWCOMER.email
            for entry in answer.json().get('entries', [])
        )

    what = f'{NEWCOMER.email} is {"" if wanted else "not "}subscribed to {list_name}'
    wait_until(lambda: is_member() is wanted, 30, f'this: {what}', site.core)
    story.narrator.say(f'Now {what}.')
