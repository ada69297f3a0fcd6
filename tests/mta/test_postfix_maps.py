# SPDX-License-Identifier: GPL-3.0-or-later
"""The maps for Postfix: they lead mail with forms to Mailman, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qnet_mailman import site
from qnet_mailman.mta.postfix import LMTP
from qnet_mailman.setup import startup
from tests.conftest import write_settings

CONFIGURATION = '[postfix]\ntransport_file_type: {kind}\npostmap_command: true\n'


def maps(core: Any, folder: Path, kind: str = 'hash') -> tuple[str, str]:
    """What is in the map of addresses and in that of domains."""
    file = folder / 'postfix.cfg'
    file.write_text(CONFIGURATION.format(kind=kind))
    core.config.push('maps', f'[mta]\nconfiguration: {file}\n')
    try:
        LMTP().regenerate(str(folder))
    finally:
        core.config.pop('maps')
    return (folder / 'postfix_lmtp').read_text(), (
        folder / 'postfix_domains'
    ).read_text()


def test_the_address_is_in_the_map_with_the_lists(
    core: Any, configure: Any, make_list: Any, tmp_path: Path
) -> None:
    make_list()
    without, domains = maps(core, tmp_path)
    assert 'requests@' not in without
    configure(forms_address='Requests@lists.example.gov')
    addresses, same = maps(core, tmp_path)
    entries = dict(line.split() for line in addresses.splitlines() if 'lmtp:' in line)
    assert entries['requests@lists.example.gov'] == entries['news1@lists.example.gov']
    assert same.splitlines()[-2:] == domains.splitlines()[-2:]


def test_a_domain_without_lists(core: Any, configure: Any, tmp_path: Path) -> None:
    configure(forms_address='requests@forms.example.gov')
    addresses, domains = maps(core, tmp_path, 'regex')
    assert '/^requests@forms\\.example\\.gov$/' in addresses
    assert '/^forms\\.example\\.gov$/ forms.example.gov' in domains


def test_broken_settings_leave_the_map_as_it_was(
    core: Any, configure: Any, tmp_path: Path
) -> None:
    configure(forms_address='requests@lists.example.gov')
    before = maps(core, tmp_path)
    write_settings(core.var / 'qnet.cfg', domain='')
    with pytest.raises(site.NotReady):
        startup.setup()
    with pytest.raises(site.NotReady):
        maps(core, tmp_path)
    assert (tmp_path / 'postfix_lmtp').read_text() == before[0]
