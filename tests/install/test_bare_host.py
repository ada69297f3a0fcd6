# SPDX-License-Identifier: GPL-3.0-or-later
"""From a bare Debian to a service, and on: `./run install` on a host of its own.

One host for all tests, which go on from each other in the order of this file.  systemd
is its PID 1, so that its units run as they are.
"""

from __future__ import annotations

import json
import re
import smtplib
import socket
import subprocess
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from qnet_mailman.demo.processes import wait_until
from qnet_mailman.demo.sink import Delivered
from tests.install.host import DOMAIN, PATIENCE, Host, make_root, require
from tests.install.outside import Outside
from tests.sites import EXAMPLES

pytestmark = [pytest.mark.long]

LIST = f'hqr-updates@{DOMAIN}'
READER = 'reader@hospital.example.org'
SETTINGS = 'etc/qnet-mailer/settings_local.py'
SIGNED = re.compile(rf'https://{DOMAIN}(/posts/confirm/[^/\s]+/)')
LOG_IS_SAFE = "audit log: the service's role can add to it, and no more"
CHANGED = re.compile(r'changed=(\d+)')


@pytest.fixture(scope='module')
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    cgroup = require()
    # Not in memory, where the tests' own files may be.
    root = Path('/var/tmp') / f'qnet-host-{tmp_path_factory.getbasetemp().name}'
    host = Host(root, cgroup)
    try:
        make_root(root)
        host.switch_on()
        yield host
    finally:
        host.close()


@pytest.fixture(scope='module')
def dry(bare: Host) -> str:
    """What it says that it would do."""
    return bare.install('--check')


@pytest.fixture(scope='module')
def host(bare: Host, dry: str) -> Host:
    """The host, installed."""
    began = time.monotonic()
    bare.install()
    print(f'installed in {time.monotonic() - began:.0f} seconds')
    return bare


@pytest.fixture(scope='module')
def outside(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """The world around it: where its mail goes, and where people sign in."""
    with Outside(host, tmp_path_factory.mktemp('outside')) as world:
        yield world


def changes(said: str) -> int:
    found = CHANGED.search(said)
    assert found, said
    return int(found[1])


def test_check_says_what_it_would_do_and_does_nothing(bare: Host, dry: str) -> None:
    assert changes(dry) >= 10
    for step in ('Install packages', 'Make users', 'Make roles and databases'):
        assert step in dry
    for path in ('etc/qnet-mailer', 'opt/qnet-mailer', 'usr/sbin/nginx'):
        assert not (bare.root / path).exists()


def test_everything_runs_and_secrets_are_secret(host: Host) -> None:
    # It gets the log's role for as long as it runs.
    host.run('systemctl', 'start', 'qnet-redact.service')
    assert LOG_IS_SAFE in host.run('mailman', 'qnet', 'check', check=False).stdout
    failed = host.run('systemctl', 'list-units', '--failed', '--plain', '--no-legend')
    assert 'qnet' not in failed.stdout
    timers = host.run('systemctl', 'list-timers', '--all', '--no-legend').stdout
    assert timers.count('qnet-') >= 11
    modes = {}
    for name in ('mailman.cfg', 'settings_local.py', 'mailman-hyperkitty.cfg'):
        path = f'/etc/qnet-mailer/{name}'
        modes[name] = host.run('stat', '-c', '%a %U:%G', path).stdout.strip()
    assert modes == {
        'mailman.cfg': '640 root:qnet-core',
        'settings_local.py': '640 root:qnet-web',
        'mailman-hyperkitty.cfg': '640 root:qnet-core',
    }
    for user, path in (('qnet-web', 'mailman.cfg'), ('qnet-core', 'settings_local.py')):
        read = ('runuser', '-u', user, '--', 'cat', f'/etc/qnet-mailer/{path}')
        assert host.run(*read, check=False).returncode == 1


def test_again_it_changes_nothing_and_shows_no_secret(host: Host) -> None:
    said = host.install()
    assert changes(said) == 0, said
    secrets = host.root / 'etc/qnet-mailer/secrets'
    for each in secrets.iterdir():
        assert each.read_text() not in said


def post(sender: str, subject: str) -> EmailMessage:
    message = EmailMessage()
    message['From'], message['To'], message['Subject'] = sender, LIST, subject
    message['Message-ID'] = f'<{subject.replace(" ", "-")}@agency.example.gov>'
    message.set_content('A line of text.\n')
    return message


def send(host: Host, sender: str, to: str, message: EmailMessage) -> None:
    """To the host's mail server, once it and what is behind it takes mail."""

    def attempt() -> bool:
        try:
            # What waits for Mailman, Postfix tries again after five minutes.
            socket.create_connection(('127.0.0.1', 8024)).close()
            with smtplib.SMTP('127.0.0.1', 25, timeout=300) as server:
                server.send_message(message, sender, [to])
        except (OSError, smtplib.SMTPException):
            return False
        return True

    wait_until(
        lambda: host.inside(attempt), PATIENCE, 'the mail server to take a message'
    )


def copy_of(outside: Outside, subject: str) -> Delivered:
    return outside.mail(
        lambda mail: READER in mail.recipients and subject in mail.subject
    )


def announce(host: Host, outside: Outside, subject: str) -> Delivered:
    """A post of somebody who has the privilege, shown to be theirs; a reader's copy."""
    pat = 'pat@agency.example.gov'
    send(host, pat, LIST, post(f'Pat Example <{pat}>', subject))
    asked = outside.mail(
        lambda mail: (
            pat in mail.recipients
            and SIGNED.search(mail.text)
            and mail.number > outside.confirmed
        )
    )
    outside.confirmed = asked.number
    link = SIGNED.search(asked.text)
    assert link is not None
    outside.press(link[1])
    return copy_of(outside, subject)


def bounces(host: Host) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        host.run('mailman', 'qnet', 'bounces', LIST, '--json').stdout
    )
    return found


def test_a_list_delivers_and_what_bounces_counts(host: Host, outside: Outside) -> None:
    form = (EXAMPLES / 'list-request.yaml').read_text('utf-8')
    grants = (EXAMPLES / 'grants.csv').read_text('utf-8')
    for name, text in (('list-request.yaml', form), ('grants.csv', grants)):
        path = host.root / 'var/lib/qnet-mailer/mailman' / name
        path.write_text(text)
        path.chmod(0o644)
    folder = '/var/lib/qnet-mailer/mailman'
    host.run('mailman', 'qnet', 'roles', 'import', f'{folder}/grants.csv')
    host.run('mailman', 'qnet', 'provision', f'{folder}/list-request.yaml')
    copy = announce(host, outside, 'First news')
    assert copy.mail_from.startswith('bounces+')
    report = EmailMessage()
    report['From'] = 'MAILER-DAEMON@hospital.example.org'
    report['To'], report['Subject'] = copy.mail_from, 'Undelivered Mail'
    report['Message-ID'] = '<bounce@hospital.example.org>'
    report.set_content(f'{READER}: 550 5.1.1 User unknown\n')
    send(host, '', copy.mail_from, report)
    wait_until(lambda: bool(bounces(host)), PATIENCE, 'the bounce to count')
    assert [each['address'] for each in bounces(host)] == [READER]


def test_a_person_signs_in_and_no_log_has_a_token(host: Host, outside: Outside) -> None:
    page = outside.sign_in('pat', '/mailman3/lists/hqr-updates.lists.example.gov/')
    assert 'HQR Updates' in page
    link = next(
        found
        for mail in outside.mails()
        if (found := SIGNED.search(mail.text)) is not None
    )
    token = link[1].split('/')[3]
    logs = ''.join(
        path.read_text('utf-8', 'replace')
        for path in (host.root / 'var/log/nginx').iterdir()
    )
    assert '/posts/confirm/... ' in logs and '/accounts/' in logs
    assert token not in logs and 'code=' not in logs
    assert token not in host.run('journalctl', '--no-pager').stdout


def test_what_was_changed_here_stays(host: Host) -> None:
    before = (host.root / SETTINGS).read_text()
    assert 'OPENID_PROVIDERS = {' in before.replace('# OPENID', '')
    assert changes(host.install()) == 0
    assert (host.root / SETTINGS).read_text() == before


def test_a_dead_master_s_lock_keeps_nobody_away(host: Host, outside: Outside) -> None:
    host.run('systemctl', 'kill', '--signal=KILL', 'qnet-core.service')
    wait_until(
        lambda: 'removed; its master is gone' in journal(host),
        PATIENCE,
        'the lock to be removed',
    )
    announce(host, outside, 'After a kill')


def journal(host: Host) -> str:
    return host.run('journalctl', '--no-pager', '-u', 'qnet-core.service').stdout


def test_it_comes_back_after_a_power_cut(host: Host, outside: Outside) -> None:
    outside.stop()
    host.cut_off()
    host.switch_on()
    outside.start()
    announce(host, outside, 'After a power cut')
    assert [each['address'] for each in bounces(host)] == [READER]


EMPTY = """set -e
systemctl stop 'qnet-*.timer' 'qnet-*.service'
for name in core web; do
    runuser -u postgres -- dropdb qnet_$name
    runuser -u postgres -- createdb -T template0 -O qnet-$name qnet_$name
done
rm -rf /var/lib/qnet-mailer/mailman/*
rm /opt/qnet-mailer/versions/*/runs
"""
"""A host without any data, on which the program was not started yet."""
OLD_DATA = f"""{EMPTY}
mkdir /old
tar -C /old -xzf /old.tar.gz
chmod -R a+rX /old
for name in core web; do
    runuser -u qnet-$name -- psql -Xq -v ON_ERROR_STOP=1 qnet_$name </old/$name.sql
done
# What counts is of the last days.
runuser -u qnet-core -- psql -Xq qnet_core -c \\
    'UPDATE qnet_bounce SET day = current_date, received_at = now()'
cp -r /old/messages /var/lib/qnet-mailer/mailman/
chown -R qnet-core: /var/lib/qnet-mailer/mailman/messages
"""
RESTORE = """set -e
cd /
systemctl stop 'qnet-*.timer' 'qnet-*.service'
# The log's role is not lent: it says with which command.
! said=$(mailman qnet restore "$1" 2>&1)
sh -c "$(echo "$said" | grep -o 'runuser .*')"
mailman qnet restore "$1"
runuser -u postgres -- psql -Xq -d qnet_core </src/etc/postgresql/audit-log.sql
django-admin migrate --noinput
systemctl start qnet-core qnet-web qnet-tasks
"""
ARCHIVE = Path(__file__).with_name('dcd8394.tar.gz')


def test_an_earlier_version_s_data_is_brought_up_to_date(
    host: Host, outside: Outside
) -> None:
    """`make_dcd8394.py` says what they are."""
    (host.root / 'old.tar.gz').write_bytes(ARCHIVE.read_bytes())
    host.run('sh', '-c', OLD_DATA)
    said = host.install()
    assert "Bring core's database up to date" in said
    assert LOG_IS_SAFE in host.run('mailman', 'qnet', 'check', check=False).stdout
    assert [each['address'] for each in bounces(host)] == [READER]
    announce(host, outside, 'After an upgrade')
    accept_held(host)
    assert copy_of(outside, 'May I ask')


def accept_held(host: Host) -> None:
    """As a moderator does over REST."""
    script = (
        'import requests; from mailman.config import config\n'
        'from mailman.core.initialize import initialize_1; initialize_1()\n'
        'auth = (config.webservice.admin_user, config.webservice.admin_pass)\n'
        'url = "http://127.0.0.1:8001/3.1/lists/hqr-updates.lists.example.gov/held"\n'
        'held = requests.get(url, auth=auth).json()["entries"]\n'
        'assert [each["subject"] for each in held] == ["May I ask"], held\n'
        'url += "/" + str(held[0]["request_id"])\n'
        'requests.post(url, {"action": "accept"}, auth=auth).raise_for_status()\n'
    )
    environment = 'MAILMAN_CONFIG_FILE=/etc/qnet-mailer/mailman.cfg'
    python = '/opt/qnet-mailer/venv/bin/python'
    command = ('runuser', '-u', 'qnet-core', '--', 'env', environment, python, '-c')
    wait_until(
        lambda: (
            not host.inside(lambda: socket.socket().connect_ex(('127.0.0.1', 8001)))
        ),
        PATIENCE,
        'REST to answer',
    )
    host.run(*command, script)


def test_a_backup_is_restored_into_a_second_root(host: Host, outside: Outside) -> None:
    host.run('systemctl', 'start', 'qnet-backup.service')
    [backup] = (host.root / 'var/backups/qnet-mailer').glob('qnet-*.tar')
    outside.stop()
    host.cut_off()
    second = Host(host.root.with_name(f'{host.root.name}-second'), require())
    try:
        subprocess.run(['cp', '-a', str(host.root), str(second.root)], check=True)
        second.switch_on()
        # As where the program was just installed, with the configuration of the first.
        second.run('sh', '-c', EMPTY)
        second.install()
        path = f'/var/backups/qnet-mailer/{backup.name}'
        second.run('sh', '-c', RESTORE, 'restore', path)
        assert LOG_IS_SAFE in second.run('mailman', 'qnet', 'check', check=False).stdout
        outside.move_to(second)
        assert [each['address'] for each in bounces(second)] == [READER]
        second.run('mailman', 'qnet', 'resume', '--discard', 'all', '--yes')
        announce(second, outside, 'After a restore')
    finally:
        outside.stop()
        second.close()
