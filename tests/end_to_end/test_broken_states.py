# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator would lose sleep over on a site that runs, `check` says (R32)."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qnet_mailman.demo.processes import wait_until
from qnet_mailman.demo.site import Site
from tests.end_to_end.conftest import set_key, signal_runner

pytestmark = [pytest.mark.site(), pytest.mark.long]


def errors(site: Site) -> list[tuple[str, str]]:
    """What is wrong: about what, and how."""
    done = site.mailman('qnet', 'check', '--json', '--no-mail')
    found = json.loads(done.stdout)
    wrong = [each for each in found if each['level'] == 'error']
    assert all(each['remedy'] for each in wrong if each['subject'] != 'queue shunt')
    assert done.returncode == (1 if wrong else 0)
    return [(each['subject'], each['text']) for each in wrong]


def test_all_is_well(site: Site) -> None:
    assert errors(site) == []


@contextmanager
def stopped_master(site: Site) -> Iterator[None]:
    site.stop_core()
    yield
    site.start_core()


@contextmanager
def power_cut(site: Site) -> Iterator[None]:
    site.kill_core()
    yield
    site.start_core()


@contextmanager
def ended_runner(site: Site) -> Iterator[None]:
    # Its master takes that for an order, and starts no other.
    signal_runner(site, 'digest', signal.SIGTERM)
    wait_until(
        lambda: any(about == 'runners' for about, _how in errors(site)),
        60,
        'the runner to end',
        site.core,
    )
    yield
    site.stop_core()
    site.start_core()


@contextmanager
def silent_lmtp(site: Site) -> Iterator[None]:
    signal_runner(site, 'lmtp', signal.SIGSTOP)
    yield
    signal_runner(site, 'lmtp', signal.SIGCONT)


@contextmanager
def no_mail_server(site: Site) -> Iterator[None]:
    site.stop_sink()
    yield
    site.start_sink()


@contextmanager
def stuck_queue(site: Site) -> Iterator[None]:
    signal_runner(site, 'in', signal.SIGSTOP)
    queue = Path(site.var, 'queue', 'in')
    entry = queue / f'1.0+{"0" * 40}.pck'
    entry.write_bytes(b'')
    os.utime(entry, (1, 1))
    yield
    entry.unlink()
    signal_runner(site, 'in', signal.SIGCONT)


@contextmanager
def shunted(site: Site) -> Iterator[None]:
    entry = Path(site.var, 'queue', 'shunt', f'1.0+{"0" * 40}.pck')
    entry.write_bytes(b'')
    yield
    entry.unlink()


@contextmanager
def broken_settings(site: Site) -> Iterator[None]:
    good = site.qnet_cfg.read_text('utf-8')
    set_key(site, 'poster_authentication', 'maybe')
    yield
    site.qnet_cfg.write_text(good, 'utf-8')


@contextmanager
def mailman_cfg(site: Site, old: str, new: str) -> Iterator[None]:
    good = site.mailman_cfg.read_text('utf-8')
    assert good.count(old) == 1
    site.mailman_cfg.write_text(good.replace(old, new), 'utf-8')
    yield
    site.mailman_cfg.write_text(good, 'utf-8')


@contextmanager
def stock_delivery(site: Site) -> Iterator[None]:
    ours, stock = 'qnet_mailman.mta.deliver.deliver', 'mailman.mta.deliver.deliver'
    with mailman_cfg(site, ours, stock):
        yield


@contextmanager
def stock_password(site: Site) -> Iterator[None]:
    with mailman_cfg(site, site.rest_password, 'restpass'):
        yield


STATES = {
    stopped_master: ('master', 'none runs'),
    power_cut: ('master', 'its lock is left over'),
    ended_runner: ('runners', 'digest:0:1'),
    silent_lmtp: ('LMTP', 'timed out'),
    no_mail_server: ('mail server', 'Connection refused'),
    stuck_queue: ('queue in', 'messages wait'),
    shunted: ('queue shunt', 'cannot be read'),
    broken_settings: ('plugin', 'poster_authentication'),
    stock_delivery: ('mail server', '[mta] outgoing'),
    stock_password: ('REST', 'everybody knows'),
}


@pytest.mark.parametrize('state', STATES, ids=lambda state: state.__name__)
def test_a_broken_state_is_found(site: Site, state: object) -> None:
    subject, text = STATES[state]  # type: ignore[index]
    with state(site):  # type: ignore[operator]
        found = errors(site)
    assert any(about == subject and text in how for about, how in found), found
    assert errors(site) == []
