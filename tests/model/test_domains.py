# SPDX-License-Identifier: GPL-3.0-or-later
"""Domains are as Mailman tells of them, for fewer statements."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from mailman.interfaces.domain import IDomainManager
from zope.component import getUtility

from qnet_mailman.model.domains import each_once
from tests.effort import effort


def test_a_domain_is_one_question(core: SimpleNamespace) -> None:
    domains = getUtility(IDomainManager)
    domains.add('one.example.org')
    core.config.db.commit()
    with effort() as spent:
        assert domains['one.example.org'].mail_host == 'one.example.org'
    assert len(spent.statements) == 1
    assert domains.get('two.example.org', 'none') == 'none'
    with pytest.raises(KeyError):
        domains['two.example.org']


def test_within_a_transaction_it_is_asked_once_and_changes_show(
    core: SimpleNamespace,
) -> None:
    domains = getUtility(IDomainManager)
    with each_once():
        assert 'one.example.org' not in domains
        assert not [each for each in domains if each.mail_host == 'one.example.org']
        domains.add('one.example.org')
        assert 'one.example.org' in domains
        with effort() as spent:
            for _ in range(3):
                assert 'one.example.org' in domains
        assert not spent.statements
        domains.remove('one.example.org')
        assert 'one.example.org' not in domains
