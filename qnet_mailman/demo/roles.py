# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of the demo about the people who look after a list (R24-R28).

They sign in through the provider that stands in for HARP, over HTTP and through
the same pages as in a browser.
"""

from __future__ import annotations

import html
import re
import shlex
from urllib.parse import urljoin

import requests

from qnet_mailman.demo.people import PROVIDER, Account
from qnet_mailman.demo.processes import ANSWER_TIMEOUT, DemoError, wait_until
from qnet_mailman.demo.story import Step, Story, body_lines, header_lines, web_session

#: Seconds that a page which is open already may stay open (R26), with some for a
#: slow machine.
REVOKED_WITHIN = 75.0

#: Pages about a list, below its own: ours, and some of Postorius's.
QUALITYNET = 'qualitynet/'
BOUNCES = 'bounces/'
SETTINGS = 'settings/'
HELD_MESSAGES = 'held_messages'
REQUESTS = 'subscription_requests'
MEMBERS = 'members/member/'


class Visitor:
    """Somebody with a browser.

    :ivar account: Who it is.
    :ivar web: The browser.
    :ivar page: Where the sign-in has led.
    """

    def __init__(self, story: Story, account: Account) -> None:
        """Sign in, as a person does it.

        :param story: Where.
        :param account: Who.
        :raises DemoError: where that does not work.
        """
        self._site = story.site
        self._list_url = f'{story.site.postorius_url}{story.list_id}/'
        self.web = web_session()
        self.account = account
        # Our sign-in page, its button, the provider's form, and back.
        page = self.web.get(
            f'{self._site.web_url}/accounts/login/', timeout=ANSWER_TIMEOUT
        )
        page = self._press(page, rf'[^"]*/oidc/{PROVIDER}/login/[^"]*')
        if not page.url.startswith(self._site.provider_url):
            raise DemoError(f'The sign-in does not lead to the provider:\n{page.text}')
        self.page = self.web.post(
            page.url,
            data={'sub': account.user_id, 'password': account.password},
            timeout=ANSWER_TIMEOUT,
        )
        if self.page.status_code != 200 or not self.page.url.startswith(
            self._site.web_url
        ):
            raise DemoError(
                f'{account.name} cannot sign in: {self.page.url}, status '
                f'{self.page.status_code}\n{words(self.page)}'
            )

    def _press(self, page: requests.Response, where: str) -> requests.Response:
        """Send the form that leads to a place."""
        form = re.search(rf'action="({where})"', page.text)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        if form is None or token is None:
            raise DemoError(f'{page.url} has no such form: {where}\n{page.text}')
        return self.web.post(
            urljoin(page.url, html.unescape(form[1])),
            data={'csrfmiddlewaretoken': token[1]},
            headers={'Referer': page.url},
            timeout=ANSWER_TIMEOUT,
        )

    def look(self, path: str) -> requests.Response:
        """Open a page about the list.

        :param path: The page, below the list's own.
        """
        return self.web.get(self._list_url + path, timeout=ANSWER_TIMEOUT)


def administrator(story: Story) -> None:
    """An administrator signs in and opens the list's pages."""
    account = story.site.accounts.administrator
    with story.narrator.step(f'{account.name} signs in through {_provider(story)}'):
        visitor = Visitor(story, account)
        seen = [
            _require(visitor, path, 200)
            for path in (
                QUALITYNET,
                BOUNCES,
                HELD_MESSAGES,
                REQUESTS,
                MEMBERS,
                SETTINGS,
            )
        ]
    story.narrator.show(f'What {account.name}, {account.role}, sees', '\n'.join(seen))


def moderator(story: Story) -> None:
    """A moderator decides about messages, and cannot change the list."""
    account = story.site.accounts.moderator
    with story.narrator.step(f'{account.name} signs in'):
        visitor = Visitor(story, account)
        seen = [
            _require(visitor, path, status)
            for path, status in (
                (QUALITYNET, 200),
                (BOUNCES, 200),
                (HELD_MESSAGES, 200),
                (REQUESTS, 200),
                (SETTINGS, 403),
            )
        ]
    story.narrator.show(f'What {account.name}, {account.role}, sees', '\n'.join(seen))


def no_role(story: Story) -> None:
    """Somebody without a role is told how to get one."""
    account = story.site.accounts.nobody
    with story.narrator.step(f'{account.name} signs in'):
        visitor = Visitor(story, account)
        if '/harp/no-role/' not in visitor.page.url:
            raise DemoError(f'{account.name} was led to {visitor.page.url}')
        seen = [_require(visitor, HELD_MESSAGES, 403), _require(visitor, SETTINGS, 403)]
    story.narrator.show(f'What {account.name} reads', words(visitor.page))
    story.narrator.show(f'What {account.name} sees of the list', '\n'.join(seen))


def revoked(story: Story) -> None:
    """Whoever loses the role loses it everywhere, also in an open browser."""
    site = story.site
    account = site.accounts.administrator
    with story.narrator.step(f'{account.name} has the settings of the list open'):
        visitor = Visitor(story, account)
        _require(visitor, SETTINGS, 200)
    mark = len(site.messages())
    _roles(story, 'revoke', '--reason', 'Left the agency.')
    if account.email in _owners(story):
        raise DemoError(f'{account.email} is still an owner of the list')
    _show_people(story)
    told = site.delivered(
        lambda mail: mail.number > mark and account.email in mail.recipients
    )[0]
    story.narrator.show(
        f'The one message to {account.email}',
        f'{header_lines(told.message)}\n\n{body_lines(told)}',
    )
    with story.narrator.step(f'The browser of {account.name} is still signed in'):
        wait_until(
            lambda: visitor.look(SETTINGS).status_code != 200,
            REVOKED_WITHIN,
            'the settings not to open any more',
        )
        seen = [
            _require(visitor, path, 403) for path in (SETTINGS, HELD_MESSAGES, REQUESTS)
        ]
    story.narrator.show(f'What {account.name} sees now', '\n'.join(seen))
    author = story.administrator
    sent = story.message(
        author, 'One more announcement', 'This does not reach the subscribers.\n'
    )
    with story.narrator.step(f'{author.name} posts to the list'):
        story.post(author, sent)
        story.show_held(str(sent['Subject']))


def approved(story: Story) -> None:
    """Approved again, everything is as before."""
    account = story.site.accounts.administrator
    _roles(story, 'approve')
    with story.narrator.step(f'{account.name} signs in'):
        visitor = Visitor(story, account)
        seen = _require(visitor, SETTINGS, 200)
    if account.email not in _owners(story):
        raise DemoError(f'{account.email} is not an owner of the list again')
    story.narrator.show(f'What {account.name} sees', seen)
    story.site.wait_idle()


STEPS: tuple[Step, ...] = (administrator, moderator, no_role, revoked, approved)


def words(page: requests.Response) -> str:
    """The words of a page, without its menus.

    :param page: The page.
    """
    main = re.search(r'<main\b.*?>(.*)</main>', page.text, re.DOTALL)
    text = main[1] if main else page.text
    # Lines of the source end anywhere; those of the page at the end of a block.
    text = ' '.join(text.split())
    text = re.sub(r'</(?:button|div|h\d|li|p)>', '\n', text)
    text = html.unescape(re.sub(r'<[^>]*>', '', text))
    return '\n'.join(line.strip() for line in text.splitlines() if line.strip())


def _provider(story: Story) -> str:
    return f'the stand-in for HARP at {story.site.provider_url}'


def _require(visitor: Visitor, path: str, status: int) -> str:
    """See that a page opens, or does not; a line that says so."""
    page = visitor.look(path)
    if page.status_code != status:
        raise DemoError(
            f'{page.url} should answer {visitor.account.name} with {status}: '
            f'{page.status_code}\n{words(page)}'
        )
    title = re.search(r'<title>(.*?)</title>', page.text, re.DOTALL)
    said = html.unescape(' '.join(title[1].split())) if title else ''
    return f'{status}  {path:<22} {said}'.rstrip()


def _roles(story: Story, what: str, *options: str) -> None:
    """Run `mailman qnet roles` for the administrator's role."""
    account = story.site.accounts.administrator
    arguments = ('qnet', 'roles', what, account.user_id, '--role', 'administrator')
    command = shlex.join(('mailman', *arguments, *options))
    with story.narrator.step('An operator decides about the role'):
        done = story.site.mailman(*arguments, *options, check=True)
    story.narrator.show(command, done.stdout)


def _show_people(story: Story) -> None:
    """Print who is assigned to the list, and who of them has the role."""
    arguments = ('qnet', 'roles', 'list', story.list_address)
    done = story.site.mailman(*arguments, check=True)
    story.narrator.show(f'mailman {" ".join(arguments)}', done.stdout)


def _owners(story: Story) -> set[str]:
    """The addresses on the owners' roster."""
    answer = story.site.rest('GET', f'lists/{story.list_id}/roster/owner')
    answer.raise_for_status()
    return {entry['email'] for entry in answer.json().get('entries', [])}
