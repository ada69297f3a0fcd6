# SPDX-License-Identifier: GPL-3.0-or-later
"""What a transaction reads once: it is what the database says, and stock's answer."""

from __future__ import annotations

from typing import Any

import pytest
from mailman.config import config
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.listmanager import IListManager
from sqlalchemy import delete
from zope.component import getUtility

from qnet_mailman.model import keys
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import QNetList, define, row_of
from qnet_mailman.styles import reserved
from qnet_mailman.values import ListType, Visibility
from tests.effort import effort

LIST_TEXT = 'list:member:regular:footer'


def test_a_row_that_goes_is_gone(mlist: Any) -> None:
    row = row_of(mlist)
    with effort() as found:
        assert row_of(mlist) is row
    assert not found.statements
    store().execute(delete(QNetList).where(QNetList.list_id == mlist.list_id))
    assert row_of(mlist) is None
    define(mlist, ListType.discussion, Visibility.private)
    assert row_of(mlist) is not None
    config.db.abort()
    assert row_of(mlist).list_type == 'notification'


def test_keys_that_are_taken_back_sign_nothing_more(core: Any) -> None:
    first = keys.signing()
    assert keys.verifying(first.id) == first
    keys.revoke([first.id])
    assert keys.verifying(first.id) is None
    assert keys.signing().id == first.id + 1


def test_what_a_savepoint_has_read_goes_with_it(core: Any) -> None:
    with store().begin_nested() as point:
        assert keys.signing(commit=False).id == 1
        assert keys.signing(commit=False).id == 1
        point.rollback()
    assert keys.all_keys() == []
    assert keys.signing(commit=False) == keys._read_newest()


def test_a_domain_is_read_once(mlist: Any) -> None:
    assert mlist.domain.mail_host == mlist.mail_host
    with effort() as found:
        assert mlist.domain is getUtility(IDomainManager)[mlist.mail_host]
    assert not found.statements
    domains = getUtility(IDomainManager)
    assert 'other.example.gov' not in domains
    assert domains.get('other.example.gov', 7) == 7
    domains.add('other.example.gov')
    assert domains['other.example.gov'].mail_host == 'other.example.gov'
    domains.remove('other.example.gov')
    with pytest.raises(KeyError):
        domains['other.example.gov']


def test_all_domains_are_those_that_there_are(mlist: Any) -> None:
    domains = getUtility(IDomainManager)
    store().connection()
    assert [each.mail_host for each in domains] == [mlist.mail_host]
    with effort() as found:
        assert [each.mail_host for each in domains] == [mlist.mail_host]
    assert not found.statements
    domains.add('a.example.gov')
    assert {each.mail_host for each in domains} == {mlist.mail_host, 'a.example.gov'}
    domains.remove('a.example.gov')
    store().flush()
    assert [each.mail_host for each in domains] == [mlist.mail_host]


def test_a_list_is_read_once_by_its_address(mlist: Any) -> None:
    lists = getUtility(IListManager)
    address = f'other@{mlist.mail_host}'
    assert lists.get(address) is None
    assert not reserved.clash(f'other-owner@{mlist.mail_host}')
    other = lists.create(address)
    with effort() as found:
        assert lists.get(address) is other
    assert not found.statements
    # What was asked before it was made.
    assert reserved.clash(f'other-owner@{mlist.mail_host}')
    other.list_name = 'renamed'
    assert lists.get(address) is None
    assert lists.get(f'renamed@{mlist.mail_host}') is other
    other.list_name = 'other'
    lists.delete(other)
    store().flush()
    assert lists.get(address) is None
    assert not reserved.clash(f'other-owner@{mlist.mail_host}')
