# SPDX-License-Identifier: GPL-3.0-or-later
"""How `dcd8394.tar.gz` was made: a site of that commit on PostgreSQL, with data.

Run it with the packages of that commit's lock file, and that commit itself, beside it::

    git worktree add OLD dcd8394
    cd OLD && python3.11 -m venv .venv
    .venv/bin/pip install --no-deps --require-hashes -r requirements.lock
    .venv/bin/pip install --no-deps .
    .venv/bin/python -P .../tests/install/make_dcd8394.py TARGET.tar.gz

The archive has the databases as SQL (`core.sql`, `web.sql`), and the text of the
message that waits for its moderators, which that version keeps on disk (`messages/`).
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from qnet_mailman.demo.configuration import ROOT
from qnet_mailman.demo.site import Site

BOUNCE = """\
From: MAILER-DAEMON@hospital.example.org
To: {0}
Subject: Undelivered Mail Returned to Sender
Message-ID: <bounce@hospital.example.org>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

The mailbox reader@hospital.example.org does not exist.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.hospital.example.org

Final-Recipient: rfc822; reader@hospital.example.org
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown
--b--
"""


def _post(sender: str, subject: str) -> bytes:
    return (
        f'From: {sender}\nTo: hqr-updates@lists.example.gov\nSubject: {subject}\n'
        f'Message-ID: <{subject.lower().replace(" ", "-")}@example.org>\n\n'
        'A line of text.\n'
    ).encode()


def _fill(site: Site) -> None:
    """Lists and people, a post, a bounce that counts, and a post that waits."""
    examples = ROOT / 'provisioning/examples'
    forms = [examples / 'list-request.yaml', examples / 'discussion-private.json']
    grants = str(examples / 'grants.csv')
    site.mailman('qnet', 'roles', 'import', grants, check=True)
    site.mailman('qnet', 'provision', *map(str, forms), check=True)
    posting = 'hqr-updates@lists.example.gov'
    pat = 'pat@agency.example.gov'
    site.lmtp_send(pat, posting, _post(f'Pat Example <{pat}>', 'First news'))
    [copy] = site.delivered(
        lambda mail: 'reader@hospital.example.org' in mail.recipients
    )
    site.lmtp_send('', copy.mail_from, BOUNCE.format(copy.mail_from).encode())
    stranger = 'stranger@example.net'
    site.lmtp_send(stranger, posting, _post(stranger, 'May I ask'))
    site.wait_idle(120)
    shown = site.mailman('qnet', 'bounces', 'hqr-updates@lists.example.gov', check=True)
    assert 'reader@hospital.example.org' in shown.stdout, shown
    assert list((site.var / 'messages').rglob('*')), 'no post waits'


def main(target: str) -> None:
    """Make the archive.

    :param target: Its path.
    """
    # The cluster for tests, of this very file's checkout.
    path = Path(__file__).parents[1] / 'postgresql.py'
    spec = importlib.util.spec_from_file_location('postgresql', path)
    assert spec is not None and spec.loader is not None
    postgresql = importlib.util.module_from_spec(spec)
    sys.modules['postgresql'] = postgresql
    spec.loader.exec_module(postgresql)
    with postgresql.server() as server, tempfile.TemporaryDirectory() as folder:
        core, web = (server.create_database(name) for name in ('core', 'web'))
        out = Path(folder, 'out')
        out.mkdir()
        site = Site(Path(folder, 'site'), database_url=core, web=True)
        site.web_settings['DATABASES'] = {
            'default': {
                'ENGINE': 'django.db.backends.postgresql',
                'NAME': 'web',
                'USER': 'mailman',
                'HOST': '127.0.0.1',
                'PORT': server.port,
            }
        }
        with site:
            _fill(site)
        for name, url in (('core', core), ('web', web)):
            dump = subprocess.run(
                [
                    *(str(postgresql.BINARIES / 'pg_dump'), '--no-owner', '--no-acl'),
                    *('--dbname', url.replace('+psycopg2', '')),
                ],
                capture_output=True,
                check=True,
            )
            (out / f'{name}.sql').write_bytes(dump.stdout)
        os.rename(site.var / 'messages', out / 'messages')
        subprocess.run(['tar', '-C', str(out), '-czf', target, '.'], check=True)


if __name__ == '__main__':
    main(*sys.argv[1:])
