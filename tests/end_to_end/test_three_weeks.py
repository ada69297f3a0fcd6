# SPDX-License-Identifier: GPL-3.0-or-later
"""From the bytes of bounce reports to the removal three weeks later (R17-R22).

Mailman's own processes run through a month of days, on a clock that `faketime`
(Debian's package of this name) moves while they run.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from qnet_mailman.demo.processes import wait_until
from qnet_mailman.demo.site import Site
from qnet_mailman.model.return_addresses import Claim, encode, membership_of, post_of
from tests.end_to_end.conftest import LIST, POSTER
from tests.sites import started

GONE = 'gone@hospital.example.org'
"""Bounces on days 0 to 4, and nobody does anything about it."""
BACK = 'back@hospital.example.org'
"""The same, but delivery is enabled again on day 14, ten days after."""
LATE = 'late@hospital.example.org'
"""Bounces on days 1 to 5; Mailman is down when the second warning is due."""

OTHER_ADMINISTRATOR = 'sam@agency.example.gov'
START = datetime(2027, 3, 1, 12, tzinfo=UTC)
"""At noon; clocks in New York go forward on day 13."""
DOWN = 12
LAST = 27


# Mailman's master keeps its runners' environment clean.
MASTER = """
import sys
from mailman.bin import master
master.PRESERVE_ENVS.update(sys.argv.pop(1).split(','))
sys.argv[0] = sys.argv.pop(1)
master.main()
"""


class MovedSite(Site):
    """A site whose clock can be moved."""

    library: Path

    def __init__(self, folder: Path, **options: Any) -> None:
        """See `Site`."""
        super().__init__(folder, **options)
        clockwork = {
            'LD_PRELOAD': str(self.library),
            'FAKETIME_TIMESTAMP_FILE': str(self.clock),
            'FAKETIME_NO_CACHE': '1',
            'NO_FAKE_STAT': '1',
        }
        python, master, *rest = self.core.argv
        self.core.argv = [python, '-c', MASTER, ','.join(clockwork), master, *rest]
        self.core.env |= clockwork

    @property
    def clock(self) -> Path:
        """The file in which its processes find how far their clock is off."""
        return self.folder / 'clock'

    def move_to(self, day: int) -> None:
        """Let it be noon of a day."""
        target = START + timedelta(days=day)
        new = self.clock.with_suffix('.new')
        new.write_text(f'+{math.ceil(target.timestamp() - time.time())}\n')
        new.replace(self.clock)

    def write_configuration(self) -> None:
        """See `Site`.  A worker that did nothing for a day is all right here."""
        super().write_configuration()
        gunicorn = self.etc / 'gunicorn.cfg'
        text = gunicorn.read_text()
        gunicorn.write_text(text.replace('\ntimeout: 360', '\ntimeout: 0'))

    def periodic_work_done(self, day: int) -> bool:
        """Whether a bounce runner did on that day what was due."""
        database = self.var / 'data' / 'mailman.db'
        with closing(sqlite3.connect(database, timeout=300)) as connection:
            row = connection.execute(
                "SELECT begun_at FROM qnet_job WHERE name = 'bounce cycle'"
            ).fetchone()
        wanted = (START + timedelta(days=day)).replace(tzinfo=None)
        return row is not None and datetime.fromisoformat(row[0]) >= wanted


@pytest.fixture
def site(tmp_path: Path) -> Iterator[MovedSite]:
    """A running site with the list of the example form."""
    libraries = sorted(Path('/usr/lib').glob('*/faketime/libfaketimeMT.so.1'))
    if not libraries:
        pytest.skip('needs libfaketime: apt-get install faketime')
    MovedSite.library = libraries[0]
    moved = MovedSite(
        tmp_path / 'site',
        web=False,
        extra_cfg='[runner.bounces]\nsleep_time: 0.1s\n',
        qnet_cfg_overrides={'time_zone': 'America/New_York'},
    )
    moved.folder.mkdir()
    moved.move_to(0)
    with started(moved):
        for address in (GONE, BACK, LATE):
            answer = moved.rest(
                'POST',
                'members',
                {
                    'list_id': LIST.replace('@', '.'),
                    'subscriber': address,
                    'pre_verified': True,
                    'pre_confirmed': True,
                    'pre_approved': True,
                    'send_welcome_message': False,
                },
            )
            assert answer.status_code == 201, answer.text
        moved.wait_idle()
        yield moved


def envelope_sender(site: Site, address: str, day: int) -> str:
    """That of the copy of a day's post; a site that has sent anything has a key."""
    with closing(sqlite3.connect(site.var / 'data/mailman.db', timeout=300)) as found:
        row = found.execute(
            'SELECT mailinglist.id, qnet_key.id, secret, member.id, _member_id '
            'FROM member JOIN address ON address.id = member.address_id '
            'JOIN mailinglist ON mailinglist.list_id = member.list_id, qnet_key '
            'WHERE address.email = ? AND role = 1 ORDER BY qnet_key.id DESC',
            (address,),
        ).fetchone()
    list_row, key, secret, member, member_id = row
    claim = Claim(
        list_row,
        key,
        (START + timedelta(days=day)).date(),
        member,
        membership_of(UUID(member_id), address),
        post_of(f'<{day}@example.gov>'),
    )
    return f'bounces+{encode(claim, secret)}@{LIST.partition("@")[2]}'


def report(address: str, day: int, to: str) -> bytes:
    """A report that there is no such mailbox."""
    return (
        f'From: MAILER-DAEMON@hospital.example.org\r\nTo: {to}\r\n'
        f'Subject: Undelivered Mail Returned to Sender\r\n'
        f'Message-ID: <{day}.{address}>\r\nMIME-Version: 1.0\r\n'
        'Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n'
        '\r\n--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n'
        '--b\r\nContent-Type: message/delivery-status\r\n\r\n'
        'Reporting-MTA: dns; mx.hospital.example.org\r\n\r\n'
        f'Final-Recipient: rfc822; {address}\r\nAction: failed\r\nStatus: 5.1.1\r\n'
        f'Diagnostic-Code: smtp; 550 5.1.1 <{address}>: no such user here\r\n'
        '\r\n--b--\r\n'
    ).encode()


def members_of(site: Site) -> dict[str, str]:
    answer = site.rest('GET', f'lists/{LIST}/roster/member').json()
    return {entry['email']: entry['member_id'] for entry in answer['entries']}


def delivery_of(site: Site, member_id: str) -> str:
    answer = site.rest('GET', f'members/{member_id}/preferences').json()
    return answer.get('delivery_status', 'enabled')


@pytest.mark.long
def test_three_weeks(site: MovedSite) -> None:
    ids = members_of(site)
    mail: dict[str, list[tuple[int, str]]] = {}
    seen = len(site.messages())
    for day in range(LAST + 1):
        site.move_to(day)
        if day == DOWN:
            site.stop_core()
            continue
        if day == DOWN + 1:
            site.start_core()
        for address, first in ((GONE, 0), (BACK, 0), (LATE, 1)):
            if first <= day < first + 5:
                # Twice: only one counts in a day.
                for hour in (1, 2):
                    to = envelope_sender(site, address, day)
                    site.lmtp_send('', to, report(address, 100 * day + hour, to))
        site.wait_idle()
        if day == 3:
            assert delivery_of(site, ids[GONE]) == 'enabled'
        if day == 4:
            assert delivery_of(site, ids[GONE]) == 'by_bounces'
            assert delivery_of(site, ids[LATE]) == 'enabled'
        if day == 14:
            answer = site.rest(
                'PATCH',
                f'members/{ids[BACK]}/preferences',
                {'delivery_status': 'enabled'},
            )
            assert answer.status_code == 204
        wait_until(
            lambda day=day: site.periodic_work_done(day),
            30,
            f'the periodic work of day {day}',
            site.core,
        )
        # What came too late for that round.
        time.sleep(0.3)
        site.wait_idle()
        for message in site.messages()[seen:]:
            seen = message.number
            for recipient in message.recipients:
                mail.setdefault(recipient, []).append((day, message.subject))
    warning = 'Messages of HQR Updates do not reach you'
    goodbye = 'Your subscription to HQR Updates has ended'
    assert mail[GONE] == [(4, warning), (11, warning), (18, warning), (25, goodbye)]
    assert mail[BACK] == [(4, warning), (11, warning)]
    assert mail[LATE] == [(5, warning), (13, warning), (20, warning), (27, goodbye)]
    left = members_of(site)
    assert GONE not in left
    assert LATE not in left
    assert delivery_of(site, left[BACK]) == 'enabled'
    # Administrators: one message a day at most, and all events.
    told = mail[POSTER]
    assert len({day for day, _subject in told}) == len(told)
    counts: dict[str, int] = {}
    for _day, subject in told:
        for part in subject.removeprefix('HQR Updates: ').split(', '):
            number, _, words = part.partition(' ')
            counts[words] = counts.get(words, 0) + int(number)
    assert (counts['stopped'], counts['removed']) == (3, 2)
    with closing(sqlite3.connect(site.var / 'data/mailman.db')) as database:
        rows = database.execute('SELECT count(*) FROM qnet_bounce').fetchone()
    assert rows == (15,)
    # Of 15 bounces, the three that stopped delivery have no row of their own, nor
    # has an earlier one that would be in the same message (a row for each address).
    assert 9 <= counts['came back'] <= 12
    assert mail.pop(OTHER_ADMINISTRATOR) == told
    # Nobody else heard of it.
    assert set(mail) == {GONE, BACK, LATE, POSTER}
    assert not site.queued('shunt'), site.log_tails()
