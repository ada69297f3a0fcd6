# SPDX-License-Identifier: GPL-3.0-or-later
"""A site's logs, as JSON, through a day and through the real logrotate."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from qnet_mailman.demo.configuration import ROOT
from qnet_mailman.demo.processes import wait_until
from qnet_mailman.demo.site import Site
from tests.end_to_end.conftest import (
    LIST,
    POSTER,
    READER,
    announcement,
    delivered_once,
)

LIST_ID = LIST.replace('@', '.')
LOGROTATE = '/usr/sbin/logrotate'

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        shutil.which(LOGROTATE) is None, reason="needs Debian's package logrotate"
    ),
    pytest.mark.site(
        extra_cfg='[logging.root]\nformat: {"message": "%(message)s"}\n',
        qnet_cfg_overrides={'web_url': 'https://lists.example.gov'},
    ),
]
WHEN = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z')


def text_of(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == '.gz' else data).decode()


def lines(site: Site, pattern: str = '*.log*') -> list[dict[str, Any]]:
    """All lines, each of which is one object."""
    found = [
        json.loads(line)
        for path in sorted(Path(site.var, 'logs').glob(pattern))
        for line in text_of(path).splitlines()
    ]
    assert all(WHEN.fullmatch(line['time']) for line in found)
    return found


def rotate(site: Site, tmp_path: Path) -> None:
    """Rotate with the file that we ship, for this site's folder and user."""
    shipped = (ROOT / 'etc/logrotate/qnet-mailer').read_text('utf-8')
    text = shipped.replace('/var/log/qnet-mailer/*.log', f'"{site.var}/logs/*.log"')
    assert text != shipped
    conf = tmp_path / 'qnet-mailer'
    conf.write_text(re.sub(r'(?m)^ *su .*\n', '', text), 'utf-8')
    conf.chmod(0o600)
    subprocess.run(
        [LOGROTATE, '-f', '-s', str(tmp_path / 'state'), str(conf)], check=True
    )


def processes(site: Site) -> set[int]:
    """The master and all that it has started, the REST server's workers included."""
    group = str(site.core.pid)
    found = set()
    for folder in Path('/proc').iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / 'stat').read_text().rpartition(')')[2].split()
            except OSError:
                continue
            if fields[2] == group and fields[0] not in 'ZX':
                found.add(int(folder.name))
    return found


def writing(site: Site) -> set[int]:
    """Who has written into the file that is there now."""
    if not Path(site.var, 'logs', 'mailman.log').exists():
        return set()
    return {line['process'] for line in lines(site, 'mailman.log')}


def secrets_of(site: Site) -> Iterator[str]:
    """Tokens and passwords that are good, or were."""
    yield from (site.rest_password, site.archiver_key, site.web_password)
    with closing(sqlite3.connect(site.var / 'data' / 'mailman.db')) as database:
        yield from (row[0] for row in database.execute('SELECT token FROM pended'))
    for mail in site.messages():
        text = mail.mail_from + mail.message.as_string()
        yield from re.findall(r'(?<![a-z2-7])(?:[a-z2-7]{72}|[a-z2-7]{48})\b', text)
        yield from re.findall(r'(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])', text)


def test_a_day_leaves_no_secret_and_says_what_each_line_is_about(site: Site) -> None:
    site.lmtp_send('x@example.net', LIST, announcement('day'))
    delivered_once(site, 'day')
    copy = next(mail for mail in site.messages() if mail.subject == 'day')
    known = set(secrets_of(site))
    # It bounces, somebody asks to join, confirms, leaves, and asks for nonsense.
    report = (
        b'From: mailer-daemon@example.net\r\nSubject: failed\r\n\r\nno such user\r\n'
    )
    site.lmtp_send('', copy.mail_from, report)
    fields = {'address': 'new@example.org', 'lists': LIST_ID, 'client': '192.0.2.7'}
    assert site.rest('POST', 'plugins/qnet/signup', fields).ok
    [question] = site.delivered(lambda mail: 'new@example.org' in mail.recipients)
    known |= set(secrets_of(site))
    token = re.search(r'/confirm/([0-9a-f]{40})', question.message.as_string())
    assert token is not None
    known.add(token[1])
    site.rest('GET', f'lists/{LIST_ID}/requests/{token[1]}')
    site.rest('POST', 'plugins/qnet/confirmations/confirm', {'token': token[1]})
    leave = re.search(r'/unsubscribe/([a-z2-7]{72})/', copy.message.as_string())
    assert leave is not None
    site.rest('GET', f'plugins/qnet/unsubscribe/{leave[1]}')
    left = {'token': leave[1], 'confirmed': 'yes'}
    assert site.rest('POST', 'plugins/qnet/unsubscribe', left).ok
    site.mailman('qnet', 'set', LIST, 'threshold=6', check=True)
    site.wait_idle()
    assert len(known) > 10
    logged = lines(site)
    text = '\n'.join(text_of(path) for path in Path(site.var, 'logs').glob('*.log'))
    assert [secret for secret in known if secret in text] == []
    bundle = site.mailman('qnet', 'report', check=True).stdout
    people = {READER, POSTER, 'Pat Example', 'new@example.org'}
    assert [each for each in known | people if each in bundle] == []
    posted = f'{copy.message["message-id"]} smtp to {LIST}'
    [sent] = [line for line in logged if line['message'].startswith(posted)]
    assert sent['list'] == LIST_ID
    assert sent['message_id'] == copy.message['message-id']
    assert sent['entry'].startswith('out/')


def test_each_process_writes_to_the_new_file_and_no_line_is_lost(
    site: Site, tmp_path: Path
) -> None:
    asked, stop = [], threading.Event()

    def ask() -> None:
        while not stop.is_set():
            number = len(asked)
            site.rest('GET', f'system/versions?number={number}.')
            asked.append(number)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(3):
            before = len(asked)
            wait_until(lambda: len(asked) > before + 30, 60, 'REST to be asked')  # noqa: B023
            rotate(site, tmp_path)
        # REST's workers write without being told anything.
        wait_until(
            lambda: len(writing(site)) >= 2, 60, "both of REST's workers to write"
        )
        # The others say that they were told to reopen, which does no harm either.
        alive = processes(site)
        site.mailman('reopen', check=True)
        wait_until(
            lambda: (
                alive & processes(site) <= writing(site) | {0}
                and len(writing(site) & alive) > 12
            ),
            60,
            'each process to write',
        )
    finally:
        stop.set()
        asking.join()
    logged = [
        int(found[1])
        for line in lines(site, 'mailman.log*')
        if (found := re.search(r'versions\?number=(\d+)\.', line['message']))
    ]
    assert sorted(logged) == asked
