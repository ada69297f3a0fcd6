# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demo shows, step by step.

A step is a function that takes the :class:`Story`, does something real with the
running site, checks that the promised happened and shows it.  Where it did not
happen, the step raises :class:`~qnet_mailman.demo.processes.DemoError`.  To
extend the demo, write a step and add it to :data:`STEPS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, make_msgid
from pathlib import Path
from typing import Any

import requests
import yaml

from qnet_mailman.demo.configuration import ROOT
from qnet_mailman.demo.narrator import Narrator
from qnet_mailman.demo.processes import DemoError, wait_until
from qnet_mailman.demo.site import Delivered, Site

#: The request form that the demo provisions.
FORM = ROOT / 'provisioning/examples/list-request.yaml'

#: Header fields worth showing, of those that a message may have.
SHOWN = (
    'From',
    'To',
    'Reply-To',
    'Subject',
    'Message-ID',
    'User-Agent',
    'Organization',
    'X-Originating-IP',
    'DKIM-Signature',
    'Auto-Submitted',
    'List-Id',
    'List-Post',
    'List-Unsubscribe',
    'List-Unsubscribe-Post',
)


@dataclass(frozen=True)
class Person:
    """Somebody in the story."""

    name: str
    email: str


@dataclass
class Story:
    """What the steps share."""

    site: Site
    narrator: Narrator
    #: The posting address of the list.
    list_address: str
    #: An administrator with posting privileges.
    administrator: Person
    #: A subscriber without.
    subscriber: Person
    #: Somebody whom the list does not know.
    stranger: Person = Person('Alex Stranger', 'alex@elsewhere.example.com')
    #: The form, where there is one.
    form: Path | None = None
    #: The subject of the administrator's announcement.
    subject: str = 'The reporting deadline has moved'

    @property
    def list_id(self) -> str:
        """The list's id, as REST wants it."""
        return self.list_address.replace('@', '.')

    def message(
        self, author: Person, subject: str, text: str, **fields: str
    ) -> EmailMessage:
        """Write a message to the list.

        :param author: Who writes it.
        :param subject: Its subject.
        :param text: Its text.
        :param fields: More header fields; ``_`` stands for ``-``.
        """
        message = EmailMessage()
        message['From'] = formataddr((author.name, author.email))
        message['To'] = self.list_address
        message['Subject'] = subject
        message['Date'] = format_datetime(datetime.now(UTC))
        message['Message-ID'] = make_msgid(domain=author.email.partition('@')[2])
        for name, value in fields.items():
            message[name.replace('_', '-')] = value
        message.set_content(text)
        return message

    def post(self, author: Person, message: EmailMessage) -> int:
        """Post a message.

        :param author: Who posts it.
        :param message: The message.
        :return: The number of the last message delivered before.
        """
        mark = len(self.site.messages())
        self.site.lmtp_send(author.email, self.list_address, message.as_bytes())
        return mark

    def copies(self, reader: Person, since: int, subject: str) -> list[Delivered]:
        """Wait for mail to a reader.

        :param reader: The reader.
        :param since: Only messages after this number count.
        :param subject: Words of its subject.
        """
        return self.site.delivered(
            lambda mail: (
                mail.number > since
                and reader.email in mail.recipients
                and subject in mail.subject
            )
        )


def header_lines(message: EmailMessage) -> str:
    """The header fields of a message that are worth showing, one a line.

    :param message: The message.
    """
    return '\n'.join(
        f'{name}: {" ".join(str(value).split())}'
        for name in SHOWN
        for value in message.get_all(name, [])
    )


def body_lines(message: EmailMessage, most: int = 16) -> str:
    """The first lines of the text of a message.

    :param message: The message.
    :param most: How many lines.
    """
    body = message.get_body(('plain',))
    text = '' if body is None else str(body.get_content())
    return '\n'.join(text.strip().splitlines()[:most])


# The steps.


def provision(story: Story) -> None:
    """The list comes from a completed request form."""
    assert story.form is not None
    form = str(story.form.relative_to(ROOT))
    with story.narrator.step(f'Provisioning the request form {form}'):
        done = story.site.mailman('qnet', 'provision', form, check=True)
        story.site.wait_idle()
    story.narrator.show(f'mailman qnet provision {form}', done.stdout)


def announcement(story: Story) -> None:
    """An administrator's announcement reaches the subscribers, masked."""
    author = story.administrator
    sent = story.message(
        author,
        story.subject,
        'The deadline for this quarter has moved to the end of the month.\n',
        User_Agent='ExampleMail 1.0',
        Organization='Example Agency',
        X_Originating_IP='[192.0.2.17]',
    )
    with story.narrator.step(f'{author.name}, an administrator, posts an announcement'):
        mark = story.post(author, sent)
        copy = story.copies(story.subscriber, mark, story.subject)[0]
        story.site.wait_idle()
    story.narrator.show(f'As {author.name} sent it', header_lines(sent))
    story.narrator.show(
        f'As {story.subscriber.email} received it', header_lines(copy.message)
    )
    for trace in (author.email, author.name, '192.0.2.17'):
        if trace.lower().encode() in copy.data.lower():
            raise DemoError(
                f'The announcement is not masked: {trace!r} is in message {copy.number}'
            )


def reply(story: Story) -> None:
    """A subscriber's reply is rejected with a notice that helps."""
    author = story.subscriber
    sent = story.message(
        author, f'Re: {story.subject}', 'Thank you! Does this apply to us, too?\n'
    )
    with story.narrator.step(f'{author.name}, a subscriber, replies to the list'):
        mark = story.post(author, sent)
        notice = story.site.delivered(
            lambda mail: mail.number > mark and author.email in mail.recipients
        )[0]
        story.site.wait_idle()
    story.narrator.show(
        f'The notice that {author.email} got back',
        f'{header_lines(notice.message)}\n\n{body_lines(notice.message)}',
    )
    for mail in story.site.messages()[mark:]:
        if story.subject in mail.subject and 'Auto-Submitted' not in mail.message:
            raise DemoError(f'The reply went out to {", ".join(mail.recipients)}')


def stranger(story: Story) -> None:
    """A stranger's post waits for a moderator."""
    author = story.stranger
    subject = 'An offer you cannot miss'
    sent = story.message(author, subject, 'Buy now!\n')

    def held() -> list[dict[str, Any]]:
        answer = story.site.rest('GET', f'lists/{story.list_id}/held')
        answer.raise_for_status()
        entries: list[dict[str, Any]] = answer.json().get('entries', [])
        return [entry for entry in entries if entry['subject'] == subject]

    with story.narrator.step(f'{author.email}, a stranger, posts to the list'):
        story.post(author, sent)
        wait_until(lambda: bool(held()), 30, 'the post to be held', story.site.core)
    entry = held()[0]
    story.narrator.show(
        'Waiting for a moderator',
        f'Subject: {entry["subject"]}\nFrom: {entry["sender"]}\nWhy: {entry["reason"]}',
    )


def archive(story: Story) -> None:
    """HyperKitty has the announcement."""
    site = story.site
    url = f'{site.archive_url}list/{story.list_address}/latest'

    def page() -> str:
        # No proxy between us and loopback, whatever the environment says.
        with requests.Session() as session:
            session.trust_env = False
            return session.get(url, timeout=30).text

    with story.narrator.step('Looking into the archive'):
        wait_until(
            lambda: story.subject in page(), 30, f'the announcement to be in {url}'
        )
    story.narrator.show('In the archive', f'{story.subject}\n{url}')


Step = Callable[[Story], None]

#: The demo, in order.
STEPS: Sequence[Step] = (provision, announcement, reply, stranger, archive)


def from_form(site: Site, narrator: Narrator, form: Path = FORM) -> Story:
    """A story about the list and the people of a request form.

    :param site: The running site.
    :param narrator: Who tells it.
    :param form: The form, in YAML.
    """
    asked = yaml.safe_load(form.read_text('utf-8'))
    name = asked['list']['name']
    posters = [person for person in asked['administrators'] if person.get('may_post')]
    readers = asked['subscribers']
    return Story(
        site=site,
        narrator=narrator,
        form=form,
        list_address=name if '@' in name else f'{name}@{site.domain}',
        administrator=Person(posters[0]['name'], posters[0]['email']),
        subscriber=Person(
            readers[0].get('name') or readers[0]['email'], readers[0]['email']
        ),
    )


# Plain Mailman, to see that the machinery works without our plugin.


def stock_list(story: Story) -> None:
    """A list is made over REST."""
    site = story.site
    with story.narrator.step('Making a list over REST'):
        site.rest('POST', 'domains', {'mail_host': site.domain})
        answer = site.rest('POST', 'lists', {'fqdn_listname': story.list_address})
        if answer.status_code not in (201, 400):
            raise DemoError(f'POST lists: {answer.status_code} {answer.text}')
        for person in (story.administrator, story.subscriber):
            site.rest(
                'POST',
                'members',
                {
                    'list_id': story.list_id,
                    'subscriber': person.email,
                    'pre_verified': True,
                    'pre_confirmed': True,
                    'pre_approved': True,
                },
            )
        site.rest(
            'PATCH',
            f'lists/{story.list_id}/config',
            {'default_member_action': 'accept'},
        )
        site.wait_idle()


def stock_post(story: Story) -> None:
    """A member's post reaches another member."""
    sent = story.message(story.administrator, story.subject, 'It has moved.\n')
    with story.narrator.step('A member posts'):
        mark = story.post(story.administrator, sent)
        copy = story.copies(story.subscriber, mark, story.subject)[0]
        story.site.wait_idle()
    story.narrator.show(
        f'As {story.subscriber.email} received it', header_lines(copy.message)
    )


#: The same with plain Mailman.
STOCK_STEPS: Sequence[Step] = (stock_list, stock_post, stranger, archive)


def stock(site: Site, narrator: Narrator) -> Story:
    """A story for a site without our plugin.

    :param site: The running site.
    :param narrator: Who tells it.
    """
    return Story(
        site=site,
        narrator=narrator,
        list_address=f'news@{site.domain}',
        administrator=Person('Pat Example', 'pat@agency.example.gov'),
        subscriber=Person('Robin Reader', 'reader@example.net'),
    )
