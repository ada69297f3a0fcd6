# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of forms, and the command that applies them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from zope.component import getUtility

from qnet_mailman.commands.cli_qnet import qnet
from tests.helpers import queued
from tests.provisioning.samples import DOMAIN, data

PEOPLE = (
    'pat@agency.example.gov',
    'sam@agency.example.gov',
    'mo@example.org',
    'rae@agency.example.gov',
)
"""Who gets a mail about each list."""


def run(*arguments: Any) -> Result:
    result = CliRunner().invoke(qnet, [str(each) for each in arguments])
    assert isinstance(result.exception, SystemExit | None), result.exc_info
    return result


@pytest.fixture
def folder(core: SimpleNamespace, tmp_path: Path) -> Path:
    return tmp_path


def write(folder: Path, count: int, *, first: int = 0, **changes: Any) -> None:
    """Write forms, each for a list of its own."""
    for number in range(first, first + count):
        name = {'ticket': f'REQ{number}', 'list__name': f'list{number}'}
        form = data(**{**name, **changes})
        (folder / f'{number:04}.json').write_text(json.dumps(form), encoding='utf-8')


def require_everything_once(count: int) -> None:
    """Every list is there, and everybody has one mail about each."""
    config.db.abort()
    wanted = {f'list{number}@{DOMAIN}' for number in range(count)}
    names = list(getUtility(IListManager).names)
    assert sorted(names) == sorted(wanted)
    for name in names:
        mlist = getUtility(IListManager).get(name)
        assert mlist.members.member_count == 2
    mails = Counter(
        (recipient.lower(), msgdata['listid'])
        for message, msgdata in queued('virgin')
        for recipient in msgdata['recipients']
    )
    assert mails == {
        (person, f'list{number}.{DOMAIN}'): 1
        for person in PEOPLE
        for number in range(count)
    }


def start(core: SimpleNamespace, *arguments: Any, **how: Any) -> Any:
    """Start the command as an operator does."""
    config.db.commit()
    config.db.store.close()
    config.db.engine.dispose()
    script = Path(sys.executable).with_name('mailman')
    root = ['--run-as-root'] if os.geteuid() == 0 else []
    return subprocess.Popen(
        [script, '-C', core.cfg, *root, 'qnet', 'provision', *arguments], **how
    )
