# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demo shows, step by step.

A step is a function that takes the :class:`Story`, does something real with the
running site, checks that the promised happened and shows it.  Where it did not
happen, the step raises :class:`~qnet_mailman.demo.processes.DemoError`.  To
extend the demo, write a step and add it to :data:`STEPS`; those about joining and
leaving are in :mod:`qnet_mailman.demo.membership`, those about people who look after
a list in :mod:`qnet_mailman.demo.roles`.
"""

from __future__ import annotations

import json
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
from qnet_mailman.demo.processes import ANSWER_TIMEOUT, DemoError, wait_until
from qnet_mailman.demo.reports import MAILBOX_FULL, USER_UNKNOWN, Failure, report
from qnet_mailman.demo.site import Delivered, Site

#: The request form that the demo provisions.
FORM = ROOT / 'provisioning/examples/list-request.yaml'
#: The one that changes the list's threshold.
THRESHOLD_FORM = ROOT / 'provisioning/examples/threshold-change.yaml'

#: How `mailman qnet bounces` calls delivery that bounces have disabled.
DISABLED = 'by_bounces'

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
    #: Two more.
    others: tuple[Person, ...] = ()
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

    def bounce(self, reader: Person, failure: Failure) -> str:
        """Let a reader's mail server send the announcement back.

        The report goes where the copy says that reports go: to the address that
        stands for this one reader (VERP).

        :param reader: The reader.
        :param failure: Why the server did not deliver it.
        :return: The address to which the report went.
        """
        copy = self.copies(reader, 0, self.subject)[0]
        data = report(failure, reader.email, copy.mail_from, self.subject)
        self.site.lmtp_send('', copy.mail_from, data)
        self.site.wait_idle()
        return copy.mail_from

    def show_held(self, subject: str) -> None:
        """Wait until a post waits for a moderator, and print how it does.

        :param subject: Its subject.
        """

        def held() -> list[dict[str, Any]]:
            answer = self.site.rest('GET', f'lists/{self.list_id}/held')
            answer.raise_for_status()
            entries: list[dict[str, Any]] = answer.json().get('entries', [])
            return [entry for entry in entries if entry['subject'] == subject]

        wait_until(lambda: bool(held()), 30, 'the post to be held', self.site.core)
        entry = held()[0]
        self.narrator.show(
            'Waiting for a moderator',
            f'Subject: {entry["subject"]}\nFrom: {entry["sender"]}\n'
            f'Why: {entry["reason"]}',
        )

    def score(self, reader: Person) -> dict[str, Any] | None:
        """What `mailman qnet bounces` tells of a reader; None if nothing.

        :param reader: The reader.
        """
        done = self.site.mailman(
            'qnet', 'bounces', self.list_address, '--json', check=True
        )
        rows: list[dict[str, Any]] = json.loads(done.stdout)
        return next((row for row in rows if row['address'] == reader.email), None)

    def show_scores(self) -> None:
        """Show the scores of the list's members."""
        done = self.site.mailman('qnet', 'bounces', self.list_address, check=True)
        self.narrator.show(f'mailman qnet bounces {self.list_address}', done.stdout)


def header_lines(message: EmailMessage) -> str:
    """The header fields of a message that are worth showing, one a line.

    :param message: The message.
    """
    return '\n'.join(
        f'{name}: {" ".join(str(value).split())}'
        for name in SHOWN
        for value in message.get_all(name, [])
    )


def body_lines(mail: Delivered, most: int = 16) -> str:
    """The first lines of the text of a message.

    :param mail: The message.
    :param most: How many lines.
    """
    return '\n'.join(mail.text.strip().splitlines()[:most])


def web_session() -> requests.Session:
    """A browser: no proxy between us and loopback, whatever the environment says."""
    session = requests.Session()
    session.trust_env = False
    return session


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
        f'{header_lines(notice.message)}\n\n{body_lines(notice)}',
    )
    for mail in story.site.messages()[mark:]:
        if story.subject in mail.subject and 'Auto-Submitted' not in mail.message:
            raise DemoError(f'The reply went out to {", ".join(mail.recipients)}')


def stranger(story: Story) -> None:
    """A stranger's post waits for a moderator."""
    author = story.stranger
    subject = 'An offer you cannot miss'
    sent = story.message(author, subject, 'Buy now!\n')

    with story.narrator.step(f'{author.email}, a stranger, posts to the list'):
        story.post(author, sent)
        story.show_held(subject)


def archive(story: Story) -> None:
    """HyperKitty has the announcement."""
    site = story.site
    url = f'{site.archive_url}list/{story.list_address}/latest'

    def page() -> str:
        with web_session() as session:
            return session.get(url, timeout=ANSWER_TIMEOUT).text

    with story.narrator.step('Looking into the archive'):
        wait_until(
            lambda: story.subject in page(), 30, f'the announcement to be in {url}'
        )
    story.narrator.show('In the archive', f'{story.subject}\n{url}')


def soft_bounce(story: Story) -> None:
    """A full mailbox counts half a point."""
    reader = story.others[0]
    with story.narrator.step(f'The mailbox of {reader.email} is full: a soft bounce'):
        address = story.bounce(reader, MAILBOX_FULL)
    story.narrator.say(f'The report came to {address}.')
    story.show_scores()
    _require(story, reader, 0.5)


def hard_bounce(story: Story) -> None:
    """An address that does not exist counts one point, but only once a day."""
    reader = story.others[1]
    with story.narrator.step(f'{reader.email} does not exist: a hard bounce'):
        story.bounce(reader, USER_UNKNOWN)
    story.show_scores()
    _require(story, reader, 1)
    with story.narrator.step('The same again, on the same day'):
        story.bounce(reader, USER_UNKNOWN)
    story.show_scores()
    _require(story, reader, 1)


def disabled(story: Story) -> None:
    """A member whose score reaches the threshold gets no more messages."""
    reader = story.subscriber
    days = (story.score(reader) or {'days': []})['days']
    if days and days[-1]['date'] == f'{datetime.now(UTC):%Y-%m-%d}':
        story.narrator.say(
            f'{reader.email} has bounced today, in an earlier demo in this folder; '
            'another bounce would not count.'
        )
        return
    story.narrator.say(
        'So that one bounce is enough here, an operator lowers the threshold of the '
        'list to 1 for this demonstration, with a threshold-change form.'
    )
    asked = yaml.safe_load(THRESHOLD_FORM.read_text('utf-8'))
    asked |= {
        # Another one each time: a form that was applied before changes nothing.
        'ticket': f'DEMO-{datetime.now(UTC):%Y%m%d%H%M%S}',
        'list': story.list_address,
        'bounces': {'threshold': 1},
        'reason': 'For the demonstration.',
    }
    form = story.site.folder / THRESHOLD_FORM.name
    form.write_text(yaml.safe_dump(asked, sort_keys=False), 'utf-8')
    with story.narrator.step('Provisioning the threshold-change form'):
        done = story.site.mailman('qnet', 'provision', str(form), check=True)
        story.site.wait_idle()
    story.narrator.show(f'mailman qnet provision {form.name}', done.stdout)
    story.narrator.say(
        'A lower threshold counts from the next bounce of an address on.'
    )
    mark = len(story.site.messages())
    with story.narrator.step(f'{reader.email} does not exist any more: a hard bounce'):
        story.bounce(reader, USER_UNKNOWN)
        warning = story.site.delivered(
            lambda mail: mail.number > mark and reader.email in mail.recipients
        )[0]
    story.show_scores()
    delivery = _require(story, reader, 1)['delivery']
    if delivery != DISABLED:
        raise DemoError(f'Delivery to {reader.email} is {delivery!r}, not {DISABLED!r}')
    story.narrator.show(f'The warning that {reader.email} got', body_lines(warning, 60))
    administrator = story.administrator

    def is_notice(mail: Delivered) -> bool:
        return (
            mail.number > mark
            and administrator.email in mail.recipients
            and reader.email in body_lines(mail, 60)
        )

    with story.narrator.step('The administrators are told of all bounces together'):
        notice = story.site.delivered(is_notice)[0]
    story.narrator.show(
        f'As {administrator.email} got it',
        f'{header_lines(notice.message)}\n\n{body_lines(notice, 60)}',
    )


def enabled_again(story: Story) -> None:
    """Whose delivery is enabled again starts from zero."""
    reader = story.subscriber
    site = story.site
    query = {'list_id': story.list_id, 'subscriber': reader.email, 'role': 'member'}
    with story.narrator.step(f'Delivery to {reader.email} is enabled, as in Postorius'):
        member = site.rest('GET', 'members/find', query).json()['entries'][0]
        answer = site.rest(
            'PATCH',
            f'members/{member["member_id"]}/preferences',
            {'delivery_status': 'enabled'},
        )
        answer.raise_for_status()
        wait_until(
            lambda: not (story.score(reader) or {}).get('score'),
            30,
            f'{reader.email} to start from zero',
            site.core,
        )
    story.show_scores()
    with story.narrator.step('The threshold is set back, on the command line'):
        arguments = ('qnet', 'set', story.list_address, 'threshold=5')
        done = site.mailman(*arguments, check=True)
    story.narrator.show(f'mailman {" ".join(arguments)}', done.stdout)


def _require(story: Story, reader: Person, points: float) -> dict[str, Any]:
    """See that a reader's last day counts so much, and each day once.

    :return: What `mailman qnet bounces` tells of the reader.
    """
    row = story.score(reader)
    if row is None:
        raise DemoError(f'{reader.email} has no bounces')
    days = row['days']
    if (
        days[-1]['points'] != points
        or len({day['date'] for day in days}) != len(days)
        or row['score'] != sum(day['points'] for day in days)
    ):
        raise DemoError(f'{reader.email} should have {points} points for a day: {row}')
    return row


Step = Callable[[Story], None]

#: The demo, in order.
STEPS: Sequence[Step] = (
    provision,
    announcement,
    reply,
    stranger,
    archive,
    soft_bounce,
    hard_bounce,
    disabled,
    enabled_again,
)


def from_form(site: Site, narrator: Narrator, form: Path = FORM) -> Story:
    """A story about the list and the people of a request form.

    :param site: The running site.
    :param narrator: Who tells it.
    :param form: The form, in YAML.
    """
    asked = yaml.safe_load(form.read_text('utf-8'))
    name = asked['list']['name']
    posters = [person for person in asked['administrators'] if person.get('may_post')]
    readers = [
        Person(person.get('name') or person['email'], person['email'])
        for person in asked['subscribers']
    ]
    return Story(
        site=site,
        narrator=narrator,
        form=form,
        list_address=name if '@' in name else f'{name}@{site.domain}',
        administrator=Person(posters[0]['name'], posters[0]['email']),
        subscriber=readers[0],
        others=tuple(readers[1:]),
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
