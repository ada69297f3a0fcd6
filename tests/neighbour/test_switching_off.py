# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugin switched off: our lists wait, others go on (R32, R40)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, SITE, _merged, write_settings

pytestmark = pytest.mark.long

SECTION = (ROOT / 'etc/mailman.cfg').read_text('utf-8')
WHOLE = '[plugin.qnet]\n' + SECTION.partition('[plugin.qnet]\n')[2].partition('\n[')[0]


def stage(var: Path, name: str, ours: str) -> dict[str, Any]:
    """Do a stage of `switching.py` with these lines of configuration."""
    cfg = var / 'mailman.cfg'
    cfg.write_text(_merged(ours + SITE.format(var=var)), 'utf-8')
    done = subprocess.run(
        [sys.executable, '-m', 'tests.neighbour.switching', str(cfg), name],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def subjects(found: dict[str, Any], name: str) -> set[str]:
    """Of the posts of a list that went out."""
    mails = [mail for mail in found['mails'] if f'<{name}.lists.example.gov>' in mail]
    prefix = f'Subject: [{name.title()}] '
    lines = (line.strip() for mail in mails for line in mail.splitlines())
    return {
        line[len(prefix) :] for line in lines if line.lower().startswith(prefix.lower())
    }


@pytest.mark.parametrize(
    'switched_off',
    [SECTION.replace('enabled: yes', 'enabled: no'), SECTION.replace(WHOLE, '')],
    ids=['not enabled', 'no section'],
)
def test_ours_wait_and_others_go_on(tmp_path: Path, switched_off: str) -> None:
    assert switched_off != SECTION
    write_settings(tmp_path / 'qnet.cfg')
    stage(tmp_path, 'on', SECTION)
    found = stage(tmp_path, 'off', switched_off)
    assert all(reply.endswith(('250 Ok', '250 OK')) for reply in found['lmtp'])
    posts = {'on its way out', 'decided', 'new', 'held', 'meanwhile'}
    assert subjects(found, 'stock') >= posts
    assert not subjects(found, 'ours')
    # Nothing in `shunt` nor `bad`; the archive's runner is not run at all.
    waiting = {'in', 'pipeline', 'out', 'virgin', 'bounces', 'command'}
    assert found['queues'].keys() - {'archive'} == waiting
    assert 'the plugin is switched off' in found['log']
    found = stage(tmp_path, 'again', SECTION)
    assert not found['queues'].keys() - {'archive'}
    assert subjects(found, 'ours') >= posts
