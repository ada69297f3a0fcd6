# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of Mailman in this process."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.queues import restored
from tests.conftest import _clear

Command = Callable[..., tuple[int, str]]


@pytest.fixture
def command(core: Any) -> Command:
    """Run `mailman qnet ...`; its exit status, and what it says."""

    def run(*arguments: str | Path, input: str = '') -> tuple[int, str]:
        result = CliRunner().invoke(qnet, [str(each) for each in arguments], input)
        assert isinstance(result.exception, SystemExit | None), result.exc_info
        return result.exit_code, result.output

    return run


@pytest.fixture
def backup(command: Command, tmp_path: Path) -> Callable[[], Path]:
    """Make a backup of core as it is now."""

    def make() -> Path:
        status, said = command('backup', tmp_path, '--no-web')
        assert status == 0, said
        return Path(said.partition(':')[0])

    return make


@pytest.fixture
def emptied(
    core: SimpleNamespace, request: pytest.FixtureRequest
) -> Callable[[], None]:
    """Make a site of this one that has just been installed."""

    def empty() -> None:
        restored.path().unlink(missing_ok=True)
        for folder in ('queue/handover', 'archives/hyperkitty'):
            shutil.rmtree(core.var / folder, ignore_errors=True)
        _clear(core)

    request.addfinalizer(empty)
    return empty
