# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup of a site at work, restored into an empty one that then sends (R33)."""

from __future__ import annotations

import itertools
import json
import tarfile
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from qnet_mailman.demo.processes import wait_until
from qnet_mailman.demo.site import Site
from tests import postgresql
from tests.end_to_end.conftest import LIST, READER, announcement, delivered_once
from tests.sites import FORM, started

pytestmark = pytest.mark.long

LIST_ID = LIST.replace('@', '.')
DIGESTS = 'digests@hospital.example.org'
PACE = 0.5
"""Seconds between posts, lest there are hundreds on a slow machine."""


@dataclass
class Journey:
    """What was done on the site that made the backup.

    :ivar sent: Posts that were accepted before the backup was begun, not delivered.
    :ivar meanwhile: Posts that were accepted while it was made.
    :ivar later: Posts that were accepted after it.
    """

    site: Site
    backup: Path
    sent: list[str] = field(default_factory=list)
    meanwhile: list[str] = field(default_factory=list)
    later: list[str] = field(default_factory=list)


@pytest.fixture(
    scope='module',
    params=['sqlite', pytest.param('postgresql', marks=pytest.mark.postgresql)],
)
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Site, Site]]:
    """A site, and one that has just been installed."""
    folder = tmp_path_factory.mktemp('backup')
    if request.param == 'sqlite':
        yield Site(folder / 'old'), Site(folder / 'new')
        return
    with postgresql.server() as server:
        yield (
            on_postgresql(folder / 'old', server),
            on_postgresql(folder / 'new', server),
        )


def on_postgresql(folder: Path, server: postgresql.Server) -> Site:
    site = Site(folder, database_url=server.create_database(f'{folder.name}_core'))
    url = make_url(server.create_database(f'{folder.name}_web'))
    site.web_settings['DATABASES'] = {
        'default': {
            'ENGINE': 'django.db.backends.postgresql',
            'NAME': url.database,
            'USER': url.username,
            'PASSWORD': 'not asked for',
            'HOST': url.host,
            'PORT': url.port,
        }
    }
    return site


@pytest.fixture(scope='module')
def journey(
    pair: tuple[Site, Site], tmp_path_factory: pytest.TempPathFactory
) -> Journey:
    """A site with an archive, a held post and mail in its queues, saved at work."""
    folder = tmp_path_factory.mktemp('backups')
    with started(pair[0], [FORM]) as site:
        add_digest_member(site)
        for number in range(3):
            send(site, f'before-{number}')
        stranger = b'From: x@example.net\r\nTo: %b\r\nSubject: held\r\n\r\nHello.\r\n'
        site.lmtp_send('x@example.net', LIST, stranger % LIST.encode())
        delivered_once(site, 'before-2')
        # The mail server goes away: what comes from now on waits.
        site.stop_sink()
        found = Journey(site, folder)
        for number in range(3):
            found.sent.append(send(site, f'sent-{number}'))
        posting, done = threading.Event(), threading.Event()

        def keep_posting() -> None:
            for number in itertools.count():
                if done.wait(PACE):
                    break
                found.meanwhile.append(send(site, f'meanwhile-{number}'))
                posting.set()

        client = threading.Thread(target=keep_posting)
        client.start()
        posting.wait()
        said = site.mailman('qnet', 'backup', str(folder), check=True).stdout
        done.set()
        client.join()
        found.backup = Path(said.partition(':')[0])
        found.later.append(send(site, 'later-0'))
    return found


def send(site: Site, subject: str) -> str:
    site.lmtp_send('pat@agency.example.gov', LIST, announcement(subject))
    return subject


def add_digest_member(site: Site) -> None:
    member = {
        'list_id': LIST_ID,
        'subscriber': DIGESTS,
        'delivery_mode': 'plaintext_digests',
        'pre_verified': True,
        'pre_confirmed': True,
        'pre_approved': True,
    }
    assert site.rest('POST', 'members', member).status_code == 201


def archived(site: Site) -> list[str]:
    """Subjects of what is in HyperKitty's tables."""
    databases = site.web_settings.get('DATABASES')
    url = f'sqlite:///{site.folder}/web/web.db'
    if databases:
        default = databases['default']
        url = (
            f'postgresql://{default["USER"]}@{default["HOST"]}:{default["PORT"]}/'
            f'{default["NAME"]}'
        )
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(text('SELECT subject FROM hyperkitty_email'))
        found = [row[0].rpartition('] ')[2] for row in rows]
    engine.dispose()
    return sorted(found)


def installed(site: Site) -> None:
    """Install a site, and nothing more: it has empty tables."""
    site.write_configuration()
    assert 'database: ' in site.mailman('qnet', 'check', '--no-web', '--no-mail').stdout


def test_a_site_is_back_and_sends_when_it_is_told_to(
    pair: tuple[Site, Site], journey: Journey
) -> None:
    new = pair[1]
    installed(new)
    with tarfile.open(journey.backup) as tar:
        names = tar.getnames()
    assert f'configuration{journey.site.etc}/settings_local.py' in names
    assert f'configuration{journey.site.etc}/mailman-hyperkitty.cfg' in names
    new.mailman('qnet', 'restore', str(journey.backup), check=True)
    with new:
        # Nothing goes out, though all runs and mail comes in.
        send(new, 'new')
        wait_until(
            lambda: len(new.queued('in')) > 0, 30, 'the new post to wait', new.core
        )
        checked = json.loads(new.mailman('qnet', 'check', '--no-mail', '--json').stdout)
        [held] = [each for each in checked if each['subject'] == 'restored']
        assert held['level'] == 'error'
        found = new.rest('GET', f'lists/{LIST_ID}/held').json()
        assert [each['subject'] for each in found['entries']] == ['held']
        digest = new.mailman('digests', '--send', '-l', LIST, check=True)
        assert digest.returncode == 0
        assert new.messages() == []
        shown = new.mailman('qnet', 'resume', input='n\n')
        assert shown.returncode == 1
        assert 'queue out: ' in shown.stdout or 'queue in: ' in shown.stdout
        assert new.messages() == []
        new.mailman('qnet', 'resume', '--yes', check=True)
        delivered_once(new, 'new')
        new.wait_idle(120)
        once_each(new, journey)
        digests_once_each(new)


def once_each(new: Site, journey: Journey) -> None:
    """Each post that the backup has goes out once, and is archived once."""
    copies = Counter(
        mail.subject for mail in new.messages() if READER in mail.recipients
    )
    for subject in journey.sent:
        assert copies.pop(subject) == 1, subject
    assert copies.pop('new') == 1
    came = [subject for subject in journey.meanwhile if subject in copies]
    assert set(copies) == set(came), 'nothing else'
    assert set(copies.values()) <= {1}
    # Those that it has are the first ones: none before another is missing.
    assert came == journey.meanwhile[: len(came)]
    assert not new.queued('shunt'), new.log_tails()
    before = [f'before-{number}' for number in range(3)]
    assert archived(new) == sorted([*before, *journey.sent, *came, 'new'])


def digests_once_each(new: Site) -> None:
    """Every post is in one digest, those from before the backup too."""
    new.mailman('digests', '--send', '-l', LIST, check=True)
    new.wait_idle(120)
    digests = [mail for mail in new.messages() if DIGESTS in mail.recipients]
    found = Counter(
        line.split()[-1]
        for mail in digests
        for line in mail.text.splitlines()
        if line.startswith('Subject: ')
    )
    # Each digest ends with one (RFC 1153).
    del found['Footer']
    assert found.pop('new') == 1
    assert set(found.values()) == {1}, found
    assert sorted([*found, 'new']) == archived(new)


def test_it_is_refused_by_a_site_in_use(
    pair: tuple[Site, Site], journey: Journey
) -> None:
    done = pair[1].mailman('qnet', 'restore', str(journey.backup))
    assert done.returncode == 2
    assert 'the database of core has rows in mailinglist' in done.stderr
    assert 'the database of the web side has rows in auth_user' in done.stderr
