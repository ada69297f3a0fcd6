# SPDX-License-Identifier: GPL-3.0-or-later
"""A large post, while runners are killed and the mail server comes and goes (R33)."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
from collections import Counter
from uuid import uuid4

import pytest

from qnet_mailman.demo.processes import wait_until
from qnet_mailman.demo.site import Site
from qnet_mailman.settings import Settings
from qnet_mailman.subscriptions.one_click import BATCH
from tests.end_to_end.conftest import LIST, POSTER, announcement, signal_runner
from tests.sites import FORM

MEMBERS = 3 * BATCH
CONNECTIONS = Settings.smtp_connections
SMALL = 'small-news@lists.example.gov'
QUEUES = ('in', 'pipeline', 'out')
REGULAR_MEMBER = 1
"""Mailman's number of the role."""

pytestmark = pytest.mark.site()


@pytest.fixture(scope='module', autouse=True)
def lists(site: Site, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A large list, and a small one of the same administrator."""
    small = FORM.read_text('utf-8').replace('hqr-updates', 'small-news')
    form = tmp_path_factory.mktemp('forms') / 'small.yaml'
    form.write_text(small.replace('REQ0001234', 'REQ0001235'), 'utf-8')
    site.mailman('qnet', 'provision', str(form), check=True)
    site.wait_idle()
    add_members(site)


def readers(count: int = MEMBERS) -> list[str]:
    return [f'reader{number}@many.example.org' for number in range(count)]


def add_members(site: Site, count: int = MEMBERS) -> None:
    """As many members as a large list has, at once."""
    database = sqlite3.connect(site.var / 'data/mailman.db', timeout=300)
    list_id = LIST.replace('@', '.')
    with contextlib.closing(database), database:
        ids = range(1_000_000, 1_000_000 + count)
        for table in ('preferences', 'address', 'member'):
            (there,) = database.execute(
                f'SELECT count(*) FROM {table} WHERE id >= 1000000'
            ).fetchone()
            assert there == 0
        database.executemany(
            'INSERT INTO preferences (id) VALUES (?)', [(n,) for n in ids]
        )
        database.executemany(
            'INSERT INTO address (id, email, preferences_id) VALUES (?, ?, ?)',
            [(n, email, n) for n, email in zip(ids, readers(count), strict=True)],
        )
        database.executemany(
            'INSERT INTO member (_member_id, role, list_id, address_id, '
            'preferences_id) VALUES (?, ?, ?, ?, ?)',
            [(uuid4().hex, REGULAR_MEMBER, list_id, n, n) for n in ids],
        )


def send(site: Site, subject: str, to: str = LIST) -> None:
    data = announcement(subject).replace(LIST.encode(), to.encode())
    site.lmtp_send(POSTER, to, data)


def copies(site: Site, subject: str) -> Counter[str]:
    """How often each of the many has a post."""
    return Counter(
        mail.recipients[0]
        for mail in site.messages()
        if mail.subject == subject and mail.recipients[0].endswith('@many.example.org')
    )


def wait_for(site: Site, subject: str, count: int = MEMBERS) -> None:
    wait_until(
        lambda: len(copies(site, subject)) >= count,
        120,
        f'{count} readers to have {subject}',
        site.core,
    )


def nobody_bounced(site: Site) -> None:
    database = sqlite3.connect(site.var / 'data/mailman.db', timeout=300)
    with contextlib.closing(database):
        for table in ('qnet_bounce', 'qnet_refusal'):
            assert database.execute(f'SELECT count(*) FROM {table}').fetchone() == (0,)
    assert not site.queued('shunt'), site.log_tails()
    assert not list((site.var / 'queue/bad').iterdir())


def kill_runner(site: Site, name: str) -> None:
    """Kill one runner; Mailman's master starts another."""
    signal_runner(site, name, signal.SIGKILL)


@pytest.mark.long
def test_killed_in_the_middle(site: Site) -> None:
    kills = 0
    send(site, 'killed')
    for seen in (1, BATCH // 2, BATCH + BATCH // 2, 2 * BATCH + BATCH // 2):
        wait_for(site, 'killed', seen)
        if kills % 2:
            site.kill_core()
            site.start_core()
        else:
            kill_runner(site, 'out')
        kills += 1
    wait_for(site, 'killed')
    site.wait_idle(60)
    found = copies(site, 'killed')
    assert set(found) == set(readers())
    # Each of them repeats the batch at work, at most.
    assert sum(found.values()) - MEMBERS <= kills * BATCH
    nobody_bounced(site)


@pytest.mark.long
def test_killed_on_the_way(site: Site) -> None:
    for number, queues in enumerate(((), ('in',), ('in', 'pipeline'), QUEUES)):
        subject = f'way-{number}'
        send(site, subject, SMALL)
        # Once it has left these.
        wait_until(
            lambda queues=queues: not any(map(site.queued, queues)),
            60,
            f'the post to leave {queues}',
            site.core,
        )
        site.kill_core()
        site.start_core()
        site.wait_idle(60)
        mails = Counter(
            (mail.recipients, mail.subject)
            for mail in site.messages()
            if mail.subject == subject
        )
        assert mails and max(mails.values()) <= 2, mails
    nobody_bounced(site)


@pytest.mark.long
def test_a_mail_server_that_comes_and_goes(site: Site) -> None:
    send(site, 'away')
    wait_for(site, 'away', BATCH // 2)
    site.stop_sink()
    wait_until(lambda: bool(site.queued('retry')), 60, 'a batch to wait', site.core)
    site.start_sink()
    wait_for(site, 'away')
    site.refuse({'*': '421 4.3.2 Shutting down'})
    send(site, 'closing')
    wait_until(lambda: bool(site.queued('retry')), 60, 'a batch to wait', site.core)
    site.refuse({})
    wait_for(site, 'closing')
    for subject in ('away', 'closing'):
        found = copies(site, subject)
        # The copies at work when the server went, one a connection, may have been
        # taken and not confirmed.
        assert sum(found.values()) <= MEMBERS + CONNECTIONS, subject
    nobody_bounced(site)


@pytest.mark.long
def test_a_short_post_does_not_wait(site: Site) -> None:
    send(site, 'long')
    wait_for(site, 'long', 10)
    send(site, 'short', SMALL)
    site.delivered(lambda mail: mail.subject == 'short', 120)
    assert len(copies(site, 'long')) < MEMBERS
    wait_for(site, 'long')
    assert sum(copies(site, 'long').values()) == MEMBERS
