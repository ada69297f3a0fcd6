# SPDX-License-Identifier: GPL-3.0-or-later
"""Broken settings, an unreachable database: nothing is lost (R32)."""

from __future__ import annotations

import signal
import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from qnet_mailman.demo.processes import wait_until
from qnet_mailman.demo.site import Site
from qnet_mailman.site import describe
from tests import postgresql
from tests.end_to_end.conftest import (
    LIST,
    POSTER,
    announcement,
    delivered_once,
    log_of,
    set_key,
    signal_runner,
)
from tests.sites import started

# One of its own: REST keeps what it was started with.
pytestmark = pytest.mark.site()


def wait_for(text: str, site: Site) -> None:
    wait_until(lambda: text in log_of(site), 30, f'{text!r} in the logs', site.core)


@pytest.mark.long
@pytest.mark.parametrize(
    ('value', 'said'),
    [
        ('maybe', "poster_authentication = 'maybe': expected"),
        (None, 'cannot be read (No such file or directory)'),
    ],
    ids=['bad value', 'missing file'],
)
def test_broken_settings(site: Site, value: str | None, said: str) -> None:
    good = site.qnet_cfg.read_text('utf-8')
    subject = 'settings-missing' if value is None else 'settings-bad'
    site.stop_core()
    if value is None:
        site.qnet_cfg.unlink()
    else:
        set_key(site, 'poster_authentication', value)
    try:
        site.start_core()
        site.lmtp_send(POSTER, LIST, announcement(subject))
        wait_for('mail stays in its queue', site)
        assert said in log_of(site)
        checked = site.mailman('qnet', 'check')
        assert checked.returncode == 1
        assert said in checked.stdout
        assert len(site.queued('in')) == 1
        assert not [mail for mail in site.messages() if mail.subject == subject]
    finally:
        site.qnet_cfg.write_text(good, 'utf-8')
    # Nobody restarts anything.
    delivered_once(site, subject)


@pytest.fixture(scope='module')
def server() -> Iterator[postgresql.Server]:
    with postgresql.server() as running:
        yield running


@pytest.fixture(scope='module')
def pg_site(
    server: postgresql.Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    site = Site(
        tmp_path_factory.mktemp('pg-site'),
        web=False,
        database_url=server.create_database('mailman'),
    )
    with started(site) as running:
        yield running


@pytest.mark.long
@pytest.mark.postgresql
def test_a_database_that_goes_away(pg_site: Site, server: postgresql.Server) -> None:
    # The post is still in the queue when the database goes.
    signal_runner(pg_site, 'in', signal.SIGSTOP)
    pg_site.lmtp_send(POSTER, LIST, announcement('database-away'))
    assert len(pg_site.queued('in')) == 1
    server.stop()
    signal_runner(pg_site, 'in', signal.SIGCONT)
    try:
        wait_for('the database does not answer', pg_site)
        # A further post is refused for now: its sender's server keeps it.
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            pg_site.lmtp_send(POSTER, LIST, announcement('refused-for-now'))
        ((code, _),) = refused.value.recipients.values()
        assert code == 451
        assert len(pg_site.queued('in')) == 1
        checked = pg_site.mailman('qnet', 'check')
        assert checked.returncode != 0
        assert 'Connection refused' in checked.stdout + checked.stderr
    finally:
        server.start()
    delivered_once(pg_site, 'database-away')
    pg_site.lmtp_send(POSTER, LIST, announcement('refused-for-now'))
    delivered_once(pg_site, 'refused-for-now')


@pytest.mark.long
@pytest.mark.postgresql
def test_a_start_without_the_database(pg_site: Site, server: postgresql.Server) -> None:
    signal_runner(pg_site, 'in', signal.SIGSTOP)
    pg_site.lmtp_send(POSTER, LIST, announcement('start-without'))
    pg_site.kill_core()
    assert len(pg_site.queued('in')) == 1
    server.stop()
    try:
        pg_site.core.start()
        wait_for('Waiting for the database', pg_site)
    finally:
        server.start()
    delivered_once(pg_site, 'start-without')


def test_no_password_of_the_database_in_the_logs(tmp_path: Path) -> None:
    engine = create_engine('postgresql+psycopg2://mailman:s3cret@127.0.0.1:1/mailman')
    with pytest.raises(OperationalError) as error:
        engine.connect()
    assert 'Connection refused' in describe(error.value)
    assert 's3cret' not in describe(error.value)
