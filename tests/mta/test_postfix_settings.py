# SPDX-License-Identifier: GPL-3.0-or-later
"""`etc/postfix` is set in Debian's main.cf, without a value that is there twice."""

from __future__ import annotations

import re
import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest

from qnet_mailman.settings import Settings
from tests import postfix

BYTES = 1024 * 1024


def test_a_relay_has_the_limits_of_the_first_server() -> None:
    ours, relay = postfix.of_file('main.cf'), postfix.of_file('relay.cf')
    itself = {'mynetworks', 'smtpd_client_restrictions', 'smtpd_relay_restrictions'}
    itself |= {'relay_domains', 'transport_maps'}
    shared = relay.keys() - itself
    assert len(shared) > 10
    assert {name: relay[name] for name in shared} == {
        name: ours[name] for name in shared
    }


def test_mail_to_a_list_that_the_map_has_not_yet_goes_to_mailman() -> None:
    """tests/install/test_bare_host.py writes to one that was just made."""
    host = RawConfigParser()
    host.read(postfix.OURS.parent / 'mailman-host.cfg', encoding='utf-8')
    mta = host['mta']
    server = f'lmtp:[{mta["lmtp_host"]}]:{mta["lmtp_port"]}'
    assert postfix.of_file('main.cf')['relay_transport'] == server


def test_limits_fit_the_lists() -> None:
    ours = postfix.of_file('main.cf')
    most = Settings.max_message_size
    assert most * 1.5 < int(ours['message_size_limit']) < 32 * BYTES
    # As long as Mailman tries, and bounces come while their tokens count.
    assert ours['maximal_queue_lifetime'] == ours['bounce_queue_lifetime'] == '5d'
    assert Settings.bounce_token_lifetime.days > 3 * 5


@pytest.mark.parametrize(
    'names', [('main.cf', 'milters.cf'), ('relay.cf', 'milters.cf')]
)
def test_debians_file_takes_it_twice(tmp_path: Path, names: tuple[str, ...]) -> None:
    """By the command that stands in it."""
    debian = postfix.SHARE / 'main.cf.debian'
    if not debian.exists():
        pytest.skip('Postfix is not installed (Debian package postfix)')
    text = debian.read_text('utf-8')
    # What the installer adds.
    text += 'mydestination = $myhostname, localhost\nrecipient_delimiter = +\n'
    text += 'mynetworks = 127.0.0.0/8\nsmtp_tls_security_level=may\n'
    main_cf = tmp_path / 'main.cf'
    main_cf.write_text(text, 'utf-8')
    shutil.copy(postfix.MASTER_CF, tmp_path / 'master.cf')
    says = (postfix.OURS / 'main.cf').read_text('utf-8')
    [command] = re.findall(r'(?m)^#   (sed .* postconf) -e$', says)
    found = []
    for _ in range(2):
        for name in names:
            done = subprocess.run(
                f'{command} -c {tmp_path} -e'.replace(' main.cf', f' {name}'),
                shell=True,
                cwd=postfix.OURS,
                env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin'},
                capture_output=True,
                text=True,
                check=True,
            )
            assert done.stderr == ''
        found.append(main_cf.read_text('utf-8'))
    assert found[0] == found[1]
    shown = subprocess.run(
        ['/usr/sbin/postconf', '-c', str(tmp_path), '-n'],
        capture_output=True,
        text=True,
        check=True,
    )
    # Neither twice, nor unknown to this Postfix.
    assert shown.stderr == ''
    ours = {
        key: value for each in names for key, value in postfix.of_file(each).items()
    }
    there = dict(re.findall(r'(?m)^(\w+) = ?(.*)$', shown.stdout))
    assert {name: there[name] for name in ours} == ours
