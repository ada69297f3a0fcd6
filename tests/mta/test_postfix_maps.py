# SPDX-License-Identifier: GPL-3.0-or-later
"""The maps for Postfix: they lead mail with forms to Mailman, too."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from mailman.interfaces.domain import IDomainManager
from mailman.mta.postfix import LMTP as StockLMTP
from zope.component import getUtility

from qnet_mailman import site
from qnet_mailman.health import mailman as looking
from qnet_mailman.mta import postfix
from qnet_mailman.mta.postfix import LMTP
from qnet_mailman.runners.task import TaskRunner
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


def test_what_comes_back_with_a_token(
    core: Any, make_list: Any, tmp_path: Path
) -> None:
    make_list()
    addresses, _domains = maps(core, tmp_path)
    entries = dict(line.split() for line in addresses.splitlines() if 'lmtp:' in line)
    for name in ('bounces', 'confirm'):
        there = f'{name}@lists.example.gov'
        assert entries[there] == entries['news1@lists.example.gov']
    addresses, _domains = maps(core, tmp_path, 'regex')
    found = [line.split()[0] for line in addresses.splitlines() if '/^bounces' in line]
    assert found == [r'/^bounces(\+.*)?@lists\.example\.gov$/']
    pattern = re.compile(found[0].strip('/'))
    assert pattern.match(f'bounces+{"a" * 48}@lists.example.gov')
    assert not pattern.match('bounces-x@lists.example.gov')


def test_a_domain_with_another_name(core: Any, make_list: Any, tmp_path: Path) -> None:
    make_list()
    domain = getUtility(IDomainManager).get('lists.example.gov')
    domain.alias_domain = 'alias.example.gov'
    core.config.db.commit()
    addresses, _domains = maps(core, tmp_path)
    assert 'bounces@alias.example.gov' in addresses
    virtual = (tmp_path / 'postfix_vmap').read_text().splitlines()
    for name in ('bounces', 'confirm'):
        line = f'{name}@lists.example.gov {name}@alias.example.gov'
        assert line in virtual


def test_a_map_of_an_earlier_version(
    core: Any, make_list: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_list()
    file = tmp_path / 'postfix.cfg'
    file.write_text(CONFIGURATION.format(kind='hash'))
    monkeypatch.setattr(core.config, 'DATA_DIR', str(tmp_path))

    def told() -> list[str]:
        found = looking.maps()
        return [
            each.text + each.remedy for each in found if each.subject == 'mail server'
        ]

    core.config.push(
        'maps', f'[mta]\nincoming: {postfix.STOCK}\nconfiguration: {file}\n'
    )
    try:
        StockLMTP().regenerate(str(tmp_path))
        assert 'to qnet_mailman.mta.postfix.LMTP' in told()[0]
    finally:
        core.config.pop('maps')
    core.config.push(
        'maps', f'[mta]\nincoming: {postfix.OURS}\nconfiguration: {file}\n'
    )
    try:
        assert postfix.missing() == [
            'bounces@lists.example.gov',
            'confirm@lists.example.gov',
        ]
        assert 'the map of Postfix lacks bounces@lists.example.gov' in told()[0]
        # The task runner writes it when it starts.
        TaskRunner('task')._do_periodic()
        assert postfix.missing() == []
        assert told() == []
    finally:
        core.config.pop('maps')


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
