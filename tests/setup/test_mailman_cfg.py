# SPDX-License-Identifier: GPL-3.0-or-later
"""The runners' classes: what etc/mailman.cfg names, and what the start insists on."""

from __future__ import annotations

from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
from mailman.utilities.modules import find_name

from qnet_mailman.setup import mailman_cfg
from qnet_mailman.site import NotReady

ROOT = Path(__file__).resolve().parents[2]
CFG = ROOT / 'etc' / 'mailman.cfg'


def classes() -> dict[str, str]:
    """The class that the file names for each runner."""
    parser = RawConfigParser(strict=True)
    parser.read(CFG, encoding='utf-8')
    return {
        name.removeprefix('runner.'): parser[name]['class']
        for name in parser.sections()
        if name.startswith('runner.')
    }


def test_the_file_names_what_the_start_insists_on() -> None:
    assert classes() == {
        **mailman_cfg.RUNNERS,
        'forms': mailman_cfg.FORMS,
        'rest': mailman_cfg.REST,
    }


@pytest.mark.parametrize('name', sorted(classes()))
def test_each_class_is_there(name: str) -> None:
    assert isinstance(find_name(classes()[name]), type)


@pytest.mark.parametrize(
    'name',
    ['mailman.runners.archive.ArchiveRunner', 'qnet_mailman.runners.old.ArchiveRunner'],
)
def test_another_class_is_named_with_the_one_wanted(core: Any, name: str) -> None:
    core.config.push('other', f'[runner.archive]\nclass: {name}\n')
    try:
        with pytest.raises(NotReady) as refused:
            mailman_cfg.require_runners()
    finally:
        core.config.pop('other')
    assert f'class is {name}; it must be {mailman_cfg.RUNNERS["archive"]}' in str(
        refused.value
    )
