# SPDX-License-Identifier: GPL-3.0-or-later
"""What a transaction reads once: it is what the database says, and stock's answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mailman.config import config
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.template import ITemplateManager
from mailman.model.bans import BanManager
from sqlalchemy import delete
from zope.component import getUtility

from qnet_mailman.model import keys
from qnet_mailman.model.bans import bans_on, is_banned
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import QNetList, define, row_of
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


def test_texts_of_list_domain_and_site(mlist: Any, tmp_path: Path) -> None:
    manager = getUtility(ITemplateManager)
    (tmp_path / 'text').write_text('Bye.', 'utf-8')
    uri = (tmp_path / 'text').as_uri()
    about = {'list_id': mlist.list_id, 'domain_name': mlist.mail_host}
    for context in (mlist.list_id, mlist.mail_host, None):
        assert manager.get(LIST_TEXT, context, **about) is None
        manager.set(LIST_TEXT, context, uri)
        assert manager.get(LIST_TEXT, context, **about) is not None
    manager.delete(LIST_TEXT, mlist.list_id)
    with effort() as found:
        for context in (mlist.list_id, mlist.mail_host, None):
            for name in ('list:member:digest:footer', 'list:member:digest:header'):
                assert manager.get(name, context, **about) is None
    asked = [each for each in found.statements if each.startswith('SELECT')]
    assert len(asked) == 1
    assert manager.get(LIST_TEXT, mlist.list_id, **about) is None


@pytest.mark.parametrize(
    'address', ['a@bad.test', 'A@bad.test', 'b@bad.test', 'c@site.test', 'd@fine.test']
)
def test_bans_are_those_of_stock(mlist: Any, address: str) -> None:
    BanManager(mlist).ban('a@bad.test')
    BanManager(mlist).ban('^b@')
    BanManager().ban('c@site.test')
    theirs = BanManager(mlist).is_banned(address)
    assert is_banned(address, bans_on(mlist.list_id)) == theirs
