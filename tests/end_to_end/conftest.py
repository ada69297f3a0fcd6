# SPDX-License-Identifier: GPL-3.0-or-later
"""Real sites: Mailman's processes, LMTP in and SMTP out, on loopback."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from qnet_mailman.demo.site import Site
from tests.sites import started

LIST = 'hqr-updates@lists.example.gov'
POSTER = 'pat@agency.example.gov'
READER = 'reader@hospital.example.org'


@pytest.fixture(scope='package')
def plain_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running site with the list of the example form."""
    with started(Site(tmp_path_factory.mktemp('site'), web=False)) as running:
        yield running


def announcement(subject: str, body: str = 'News.') -> bytes:
    """What the list's poster writes."""
    return (
        f'From: Pat Example <{POSTER}>\r\nTo: {LIST}\r\nSubject: {subject}\r\n'
        f'Message-ID: <{subject}@agency.example.gov>\r\n\r\n{body}\r\n'
    ).encode()


def delivered_once(site: Site, subject: str, timeout: float = 60) -> None:
    """Wait for the post, and make sure that a reader has it just once."""

    def is_copy(mail: object) -> bool:
        return mail.subject == subject and READER in mail.recipients  # type: ignore[attr-defined]

    site.delivered(is_copy, timeout)
    site.wait_idle()
    assert len([mail for mail in site.messages() if is_copy(mail)]) == 1
    assert not site.queued('shunt'), site.log_tails()


def log_of(site: Site) -> str:
    """Mailman's logs in one text."""
    return '\n'.join(
        path.read_text('utf-8', 'replace')
        for path in sorted(Path(site.var / 'logs').glob('*.log'))
    )


def signal_runner(site: Site, name: str, number: int) -> None:
    """Send a signal to the runners of one name."""
    for folder in Path('/proc').iterdir():
        with contextlib.suppress(OSError):
            command = (folder / 'cmdline').read_bytes()
            ours = str(site.mailman_cfg).encode() in command
            if ours and f'--runner={name}:'.encode() in command:
                os.kill(int(folder.name), number)


def set_key(site: Site, key: str, value: str) -> None:
    """Change a key of the site's qnet.cfg."""
    text = site.qnet_cfg.read_text('utf-8')
    changed, count = re.subn(rf'(?m)^({key}\s*[=:]).*$', rf'\1 {value}', text)
    assert count == 1
    site.qnet_cfg.write_text(changed, 'utf-8')
