# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking a list of Mailman's own over, whole or not at all, and back (R40)."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mailman.config import config
from mailman.interfaces.mailinglist import SubscriptionPolicy
from mailman.interfaces.member import DeliveryStatus
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from qnet_mailman.lists import adopting
from qnet_mailman.lists.adoption_facts import own_texts
from qnet_mailman.lists.adoption_plan import OwnText
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounce, QNetSuspension
from qnet_mailman.model.lists import row_of
from qnet_mailman.roles import grants, people
from qnet_mailman.roles.rights import Identity, Role
from qnet_mailman.values import ListType
from tests.adopting import stock_lists as stock
from tests.adopting.stock_lists import (
    adopt,
    again,
    furnished,
    release,
    shown,
    stock_list,
)
from tests.effort import database_away, effort
from tests.helpers import subscribe
from tests.killed import KILLED, in_a_process


@pytest.fixture
def talk(core: SimpleNamespace) -> str:
    """The List-ID of a list with something of everything."""
    return str(furnished().list_id)


def test_there_and_back(talk: str) -> None:
    before = shown(talk)
    adopt(talk)
    assert row_of(again(talk)) is not None
    assert shown(talk) != before
    release(talk)
    assert row_of(again(talk)) is None
    assert shown(talk) == before
    assert before['/roster/moderator']['entries'][0]['subscription_mode'] == 'as_user'
    assert before['/held']['total_size'] == 1
    assert before['/requests']['total_size'] == 2


def test_there_and_back_with_roles(talk: str) -> None:
    before = shown(talk)
    for role, email in (
        (Role.administrator, stock.OWNER),
        (Role.moderator, 'mo@agency.test'),
    ):
        grants.approve(Identity.of(email), role, email=email, silent=True)
    adopt(talk)
    assert [each.email for each in again(talk).owners.addresses] == [stock.OWNER]
    release(talk)
    assert shown(talk) == before


@pytest.mark.parametrize('list_type', list(ListType))
@pytest.mark.parametrize('style', ['legacy-announce', 'private-default'])
def test_settings_come_back_unless_changed_since(
    core: SimpleNamespace, style: str, list_type: ListType
) -> None:
    talk = stock_list(
        style=style, unsubscription_policy=SubscriptionPolicy.moderate
    ).list_id
    before = shown(talk)
    adopt(talk, list_type=list_type)
    mlist = again(talk)
    assert mlist.allow_list_posts is (list_type is ListType.discussion)
    assert mlist.unsubscription_policy is SubscriptionPolicy.confirm
    mlist.unsubscription_policy = SubscriptionPolicy.open
    mlist.description = 'Changed meanwhile.'
    config.db.commit()
    release(talk)
    changed = {'unsubscription_policy': 'open', 'description': 'Changed meanwhile.'}
    assert shown(talk)['/config'] == before['/config'] | changed


def test_again_changes_nothing(talk: str) -> None:
    adopt(talk)
    before = shown(talk)
    with pytest.raises(adopting.CannotAdopt, match='a list of ours already'):
        adopt(talk)
    assert shown(talk) == before
    release(talk)
    with pytest.raises(adopting.CannotRelease, match='not a list of ours'):
        release(talk)


# ---------------------------------------------------------------- whole or nothing


ENOUGH = 30
"""Statements: at so many places at least it was tried."""


def rows() -> dict[str, list[Any]]:
    """All that the database has."""
    config.db.abort()
    tables = {
        table.name: table
        for metadata in (stock.BounceEvent.metadata, QNetAudit.metadata)
        for table in metadata.sorted_tables
    }
    return {
        name: sorted(map(repr, store().execute(select(table)).all()))
        for name, table in tables.items()
    }


@pytest.mark.parametrize('work', [adopting.adopt, adopting.release])
def test_whatever_fails_nothing_is_changed(
    talk: str, work: Callable[[Any], object]
) -> None:
    if work is adopting.release:
        adopt(talk)
    before = rows()
    for number in itertools.count():
        try:
            with database_away(after=number):
                work(again(talk))
                config.db.commit()
            break
        except OperationalError:
            assert rows() == before
    assert number > ENOUGH
    assert rows() != before


@pytest.mark.parametrize('after', [0, 4, 8])
def test_a_kill_changes_nothing(talk: str, after: int) -> None:
    before = rows()

    def killed() -> None:
        written = 0

        def kill(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            nonlocal written
            written += not statement.startswith('SELECT')
            if written > after:
                os._exit(KILLED)

        event.listen(config.db.engine, 'after_cursor_execute', kill)
        adopt(talk)

    assert in_a_process(killed) == KILLED
    assert rows() == before
    adopt(talk)


# -------------------------------------------------------------------- what it costs


def test_members_cost_no_statements(core: SimpleNamespace) -> None:
    spent = []
    for name, members in (('few', 2), ('more', 60)):
        list_id = stock_list(name).list_id
        for number in range(members):
            address = f'm{number}@{name}.test'
            subscribe(again(list_id), address)
            stock.score(again(list_id), address, points=1, ages=(1,))
        config.db.commit()
        with effort() as there:
            adopting.preview(again(list_id))
            adopt(list_id)
        with effort() as back:
            release(list_id)
        spent.append((len(there.statements), len(back.statements)))
    assert spent[0] == spent[1]
    assert max(spent[0]) < 120, spent


# ------------------------------------------------------------------------- bounces


def test_scores_count_as_the_ledger_counts(talk: str) -> None:
    adopt(talk)
    days = (
        store()
        .execute(
            select(QNetBounce.email, QNetBounce.half_points, QNetBounce.day).order_by(
                QNetBounce.day
            )
        )
        .all()
    )
    # Two points with Mailman: of three days with reports, the last two.
    assert [row[:2] for row in days] == [(stock.SCORED, 2)] * 2
    assert (days[1].day - days[0].day).days == 2


def test_warnings_go_on_where_mailman_stopped(talk: str) -> None:
    warned = stock.member_of(again(talk), stock.BOUNCED).last_warning_sent
    adopt(talk)
    [row] = store().scalars(select(QNetSuspension))
    assert (row.email, row.warnings) == (stock.BOUNCED, 1)
    assert (
        row.next_step_at
        == warned + again(talk).bounce_you_are_disabled_warnings_interval
    )
    release(talk)
    member = stock.member_of(again(talk), stock.BOUNCED)
    assert member.preferences.delivery_status is DeliveryStatus.by_bounces
    assert (member.total_warnings_sent, member.last_warning_sent) == (1, warned)
    assert store().scalar(select(QNetSuspension)) is None


# --------------------------------------------------------------------------- people


def test_owners_wait_for_their_role(talk: str) -> None:
    adopt(talk)
    mlist = again(talk)
    assert not list(mlist.owners.addresses) and not list(mlist.moderators.addresses)
    assert [
        (row.role, row.email, row.name) for row in people.assignments_of(mlist)
    ] == [
        ('moderator', stock.MODERATOR, 'Mo Example'),
        ('administrator', stock.OWNER, 'olga'),
    ]
    grants.approve(
        Identity.of(stock.OWNER), Role.administrator, email=stock.OWNER, silent=True
    )
    config.db.commit()
    assert [each.email for each in again(talk).owners.addresses] == [stock.OWNER]


def test_who_lost_the_role_gets_no_rights_of_stock_instead(talk: str) -> None:
    adopt(talk)
    who = Identity.of(stock.OWNER)
    grants.approve(who, Role.administrator, email=stock.OWNER, silent=True)
    grants.revoke(who, Role.administrator, reason='Left the agency.')
    config.db.commit()
    assert release(talk).left_out == (stock.OWNER,)
    assert not list(again(talk).owners.addresses)


def test_the_audit_log_tells_of_both(talk: str) -> None:
    adopt(talk)
    release(talk)
    told = store().scalars(
        select(QNetAudit).where(QNetAudit.list_id == talk).order_by(QNetAudit.id)
    )
    found = {row.action: json.loads(row.detail) for row in told}
    assert found['list adopted']['type'] == 'discussion'
    assert found['list adopted']['settings']['posting_chain'] == [
        'default-posting-chain',
        'qnet-posting-chain',
    ]
    assert found['list released']['left_out'] == []
    assert {'assigned'} < found.keys()


# ---------------------------------------------------------------------------- texts


def test_texts_in_place_of_ours_are_found_wherever_they_are(
    core: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlist = stock_list()
    monkeypatch.setattr(config, 'TEMPLATE_DIR', str(tmp_path))
    for folder, name, text in (
        ('site', 'list:member:generic:footer', 'Leave: $unsubscribe_url $support'),
        (f'domains/{mlist.mail_host}', 'list:user:notice:welcome', 'Hello $user_name'),
        (f'lists/{mlist.list_id}', 'list:member:digest:footer', 'About $display_name'),
        ('site', 'something:else', 'No text of anything.'),
    ):
        path = tmp_path / folder / 'en' / f'{name}.txt'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, 'utf-8')
    found = {text.name: text for text in own_texts(mlist)}
    assert found == {
        'list:member:digest:footer': OwnText(
            'list:member:digest:footer', 'list', (), lacks_link=True
        ),
        'list:member:regular:footer': OwnText(
            'list:member:regular:footer', 'site', ('support',)
        ),
        'list:user:notice:welcome': OwnText('list:user:notice:welcome', 'domain'),
    }
