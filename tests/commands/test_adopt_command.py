# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet adopt` and `release`: one list, or all, and what they say before."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from mailman.config import config
from mailman.interfaces.mailinglist import SubscriptionPolicy
from sqlalchemy import func, select

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.lists import adopting, closing
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import QNetList, row_of
from qnet_mailman.values import Closing
from tests.adopting.stock_lists import OWNER, again, furnished, shown, stock_list
from tests.effort import database_away
from tests.expected import require_expected
from tests.helpers import appoint


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(qnet, arguments)
    assert isinstance(result.exception, SystemExit | None), result.exc_info
    return result


@pytest.fixture
def talk(core: SimpleNamespace) -> str:
    return str(furnished(unsubscription_policy=SubscriptionPolicy.moderate).list_id)


def test_what_will_differ_is_said(talk: str) -> None:
    before = shown(talk)
    found = run('adopt', talk, '--type', 'notification', '--dry-run')
    assert found.exit_code == 0
    require_expected(found.output, __file__, 'adopting')
    assert shown(talk) == before


def test_there_and_back(talk: str) -> None:
    before = shown(talk)
    assert 'is a public discussion list now' in run('adopt', talk).output
    assert 'is a list of ours already' in run('adopt', talk).output
    planned = json.loads(run('release', talk, '--dry-run', '--json').output)
    assert planned['result'] == 'planned'
    assert row_of(again(talk)) is not None
    found = run('release', talk)
    require_expected(found.output, __file__, 'handing-back')
    assert shown(talk) == before
    assert run('release', talk).exit_code == 1


def test_json(talk: str) -> None:
    found = json.loads(run('adopt', talk, '--visibility', 'private', '--json').output)
    assert (found['result'], found['type'], found['visibility']) == (
        'adopted',
        'discussion',
        'private',
    )
    assert {'about': 'Bounces', 'text': 'SOME'}.keys() == found['differences'][0].keys()


def test_all_with_progress(core: SimpleNamespace, make_list: Any) -> None:
    make_list()
    for name in ('one', 'two', 'three'):
        stock_list(name)
    planned = run('adopt', '--all', '--dry-run')
    assert planned.output.count('would become') == 3
    assert ours() == 1
    found = run('adopt', '--all')
    assert found.output.splitlines() == [
        '[1/3] one@lists.example.gov: is a public discussion list now',
        '[2/3] three@lists.example.gov: is a public discussion list now',
        '[3/3] two@lists.example.gov: is a public discussion list now',
        '3 lists, 0 failed',
    ]
    assert run('adopt', '--all').output == '0 lists, 0 failed\n'


def ours() -> int:
    config.db.abort()
    return store().scalar(select(func.count(QNetList.id))) or 0


def test_one_that_fails_does_not_stop_the_others(
    core: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ('one', 'two', 'three'):
        stock_list(name)
    with database_away('INSERT INTO qnet_adoption', after=1, times=1):
        found = run('adopt', '--all')
    assert found.exit_code == 1
    assert 'not adopted: three.lists.example.gov' in found.output
    assert ours() == 2
    assert run('adopt', '--all').exit_code == 0
    assert ours() == 3


@pytest.mark.parametrize('arguments', [(), ('talk@lists.example.gov', '--all')])
def test_which_list_must_be_said(talk: str, arguments: tuple[str, ...]) -> None:
    assert run('adopt', *arguments).exit_code == 1
    assert row_of(again(talk)) is None


def test_a_closed_list_is_not_handed_back(mlist: Any) -> None:
    closing.close(mlist, Closing.archive, 'REQ1')
    config.db.commit()
    found = run('release', mlist.list_id)
    assert (found.exit_code, 'reopen it first' in found.output) == (1, True)


def test_a_list_that_was_ours_from_the_start_can_go(mlist: Any) -> None:
    appoint(mlist, OWNER)
    config.db.commit()
    list_id = mlist.list_id
    assert run('release', list_id).exit_code == 0
    mlist = again(list_id)
    assert (mlist.posting_chain, mlist.posting_pipeline) == (
        'default-posting-chain',
        'default-posting-pipeline',
    )
    assert [one.email for one in mlist.owners.addresses] == [OWNER]
    with pytest.raises(adopting.CannotRelease):
        adopting.release(mlist)
