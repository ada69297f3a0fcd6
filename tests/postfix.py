# SPDX-License-Identifier: GPL-3.0-or-later
"""A Postfix of our own, from Debian's package, with the settings of `etc/postfix`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qnet_mailman.demo.configuration import ROOT
from qnet_mailman.demo.ports import HOST, is_listening
from qnet_mailman.demo.processes import Child, wait_until

DAEMONS = Path('/usr/lib/postfix/sbin')
SHARE = Path('/usr/share/postfix')
MASTER_CF = SHARE / 'master.cf.dist'
OURS = ROOT / 'etc/postfix'
MAPS = '/var/lib/qnet-mailer/mailman/data'
"""Where `etc/postfix/main.cf` has Mailman's maps."""
CHECKS = '/etc/postfix/authentication_results'

_SITE = """\
# What Debian's installer adds; a second value of these would be a warning.
myhostname = {name}.example.gov
mydestination = $myhostname, lists.example.gov, localhost
relayhost = [{host}]:{relay_port}
mynetworks = 127.0.0.0/8
mailbox_size_limit = 0
recipient_delimiter = +
inet_interfaces = {host}
smtpd_relay_restrictions = permit_mynetworks defer_unauth_destination
# An instance of our own.
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
# To be somebody from outside.
smtpd_authorized_xclient_hosts = {host}
"""


def require() -> None:
    """Skip the test where Postfix cannot run."""
    # Mailman's postmap wants a main.cf in its usual place.
    if not MASTER_CF.exists() or not Path('/etc/postfix/main.cf').exists():
        pytest.skip('Postfix is not installed (Debian package postfix)')
    if os.getuid() != 0:
        pytest.skip('Postfix has to be started by root')


def make_map(path: Path, text: str = '') -> None:
    """Write a map and its index."""
    path.write_text(text, 'utf-8')
    subprocess.run(['/usr/sbin/postmap', str(path)], check=True)


def of_file(name: str) -> dict[str, str]:
    """What a file of `etc/postfix` sets."""
    lines = (OURS / name).read_text('utf-8').splitlines()
    lines = [each for each in lines if each and not each.startswith('#')]
    pairs = (each.partition('=') for each in lines)
    return {name.strip(): value.strip() for name, _sign, value in pairs}


def change(folder: Path, settings: dict[str, str]) -> None:
    """Set values in the main.cf of a folder, as the guide does."""
    arguments = [f'{name} = {value}' for name, value in settings.items()]
    done = subprocess.run(
        ['/usr/sbin/postconf', '-c', str(folder), '-e', *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not done.stderr, done.stderr


@contextmanager
def running(
    port: int, *, maps: Path, relay_port: int, file: str = 'main.cf', **settings: str
) -> Iterator[Child]:
    """Start an instance, and remove it afterwards.

    :param port: Where it takes mail.
    :param maps: Mailman's data folder.
    :param relay_port: Of the server that takes what goes out.
    :param file: Of `etc/postfix`; its name is mx or relay.
    :param settings: Of its main.cf, in the place of ours.
    """
    # Its processes are another user's, who must be able to come here.
    folder = Path(tempfile.mkdtemp(prefix='qnet-postfix-'))
    folder.chmod(0o755)
    for name in ('etc', 'queue', 'data'):
        (folder / name).mkdir()
        (folder / name).chmod(0o755)
    shutil.chown(folder / 'data', 'postfix')
    site = _SITE.format(
        folder=folder,
        daemons=DAEMONS,
        host=HOST,
        relay_port=relay_port,
        name='mx' if file == 'main.cf' else 'relay',
    )
    debian = (SHARE / 'main.cf.debian').read_text('utf-8')
    (folder / 'etc/main.cf').write_text(debian + site, 'utf-8')
    shutil.copy(OURS / Path(CHECKS).name, folder / 'etc')
    checks = f'{folder}/etc/{Path(CHECKS).name}'
    ours = {
        name: value.replace(MAPS, str(maps)).replace(CHECKS, checks)
        for name, value in of_file(file).items()
    }
    change(folder / 'etc', {**ours, **settings})
    services = MASTER_CF.read_text('utf-8')
    services = re.sub(r'(?m)^smtp(\s+inet)', rf'{port}\1', services)
    # Without a chroot, which Debian prepares in its own start script.
    services = re.sub(r'(?m)^((?:\S+\s+){4})y', r'\1n', services)
    (folder / 'etc/master.cf').write_text(services, 'utf-8')
    for name in ('main.cf', 'master.cf', Path(CHECKS).name):
        (folder / 'etc' / name).chmod(0o644)
    master = Child(
        'Postfix',
        [str(DAEMONS / 'master'), '-c', str(folder / 'etc'), '-d'],
        log=folder / 'log',
        env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin'},
        cwd=folder,
        # A Mailman in the tests' process has one that shuts out Postfix's users.
        umask=0o022,
    )
    check = Child(
        'postfix check',
        ['/usr/sbin/postfix', '-c', str(folder / 'etc'), 'check'],
        log=folder / 'check.log',
        env=master.env,
        cwd=folder,
        umask=master.umask,
    )
    try:
        check.start()
        check.wait(30)
        assert not check.log.read_text(), check.tail()
        master.start()
        wait_until(lambda: is_listening(port), 30, 'Postfix to listen', master)
        yield master
    finally:
        master.stop()
        shutil.rmtree(folder, ignore_errors=True)
