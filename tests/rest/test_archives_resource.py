# SPDX-License-Identifier: GPL-3.0-or-later
"""/archives over REST: which archives are public, as the lists are now."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from mailman.app.lifecycle import create_list, remove_list
from mailman.config import config
from mailman.interfaces.archiver import ArchivePolicy
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.listmanager import IListManager
from zope.component import getUtility

from tests.effort import effort
from tests.rest.client import ask

DOMAIN = 'lists.example.gov'


def public() -> list[str]:
    answer = ask('GET', 'plugins/qnet/archives')
    assert answer.status_code == 200
    return answer.json['public']


@pytest.fixture(autouse=True)
def domain(core: SimpleNamespace) -> None:
    getUtility(IDomainManager).add(DOMAIN)


def test_lists_of_every_style() -> None:
    assert public() == []
    for kind in ('discussion', 'notification'):
        for visibility in ('public', 'private'):
            name = f'{kind}-{visibility}@{DOMAIN}'
            create_list(name, style_name=f'qnet-{kind}-{visibility}')
    create_list(f'stock@{DOMAIN}', style_name='legacy-default')
    config.db.commit()
    assert public() == [
        f'discussion-public@{DOMAIN}',
        f'notification-public@{DOMAIN}',
        f'stock@{DOMAIN}',
    ]
    set_policy(f'stock@{DOMAIN}', ArchivePolicy.never)
    assert f'stock@{DOMAIN}' not in public()


def set_policy(address: str, policy: ArchivePolicy) -> None:
    getUtility(IListManager).get(address).archive_policy = policy
    config.db.commit()


def test_a_change_counts_at_once() -> None:
    address = f'hqr-news@{DOMAIN}'
    create_list(address, style_name='qnet-notification-public')
    config.db.commit()
    assert public() == [address]
    set_policy(address, ArchivePolicy.private)
    assert public() == []
    set_policy(address, ArchivePolicy.public)
    assert public() == [address]
    remove_list(getUtility(IListManager).get(address))
    config.db.commit()
    assert public() == []


def test_one_statement() -> None:
    for number in range(5):
        create_list(f'news{number}@{DOMAIN}', style_name='qnet-notification-public')
    config.db.commit()
    with effort() as spent:
        assert len(public()) == 5
    assert len(spent.statements) == 1
