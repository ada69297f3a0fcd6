# SPDX-License-Identifier: GPL-3.0-or-later
"""A closed list whose time is over is deleted."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from mailman.app.lifecycle import create_list, remove_list
from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.member import MemberRole
from mailman.model.member import Member
from sqlalchemy import select
from zope.component import getUtility

from qnet_mailman.lists import closing
from qnet_mailman.model.base import store, tables_of_a_list
from qnet_mailman.model.closures import closure_of
from qnet_mailman.provisioning.apply import apply_form
from qnet_mailman.provisioning.plan import ANEW
from qnet_mailman.roles.people import Assignee, Role, assign
from qnet_mailman.runners import task
from tests.clock import Clock
from tests.expected import require_expected
from tests.helpers import appoint, subscribe, text_of
from tests.provisioning import samples
from tests.provisioning.closures import ADMIN, CLOSABLE, actions, form, provision, taken
from tests.provisioning.samples import DOMAIN

pytestmark = CLOSABLE


def lists() -> list[str]:
    return [mlist.list_id for mlist in getUtility(IListManager)]


def test_a_list_is_deleted_when_its_time_is_over(
    mlist: Any, make_list: Any, clock: Clock
) -> None:
    kept = make_list()
    appoint(kept, ADMIN)
    subscribe(kept, 'ann@example.org')
    list_id = mlist.list_id
    provision()
    provision(list='news2', action='archive')
    clock.moment += timedelta(days=30) - timedelta(seconds=1)
    closing.delete_due(clock.moment)
    assert lists() == [list_id, kept.list_id]
    # The service was down for long.
    clock.moment += timedelta(days=60)
    closing.delete_due(clock.moment)
    assert lists() == [kept.list_id]
    assert closure_of(kept.list_id) is not None, 'an archived one stays'
    for table in tables_of_a_list():
        found = store().scalars(select(table.list_id).where(table.list_id == list_id))
        assert list(found) == [], table
    gone = select(Member).where(Member.list_id == list_id)
    assert list(store().scalars(gone)) == []
    assert [each.address.email for each in kept.members.members] == ['ann@example.org']
    assert kept.owners.get_member(ADMIN) is not None
    assert actions()[-1] == 'list deleted'
    before = actions()
    clock.moment += timedelta(days=1)
    closing.delete_due(clock.moment)
    assert actions() == before


def test_administrators_and_operators_are_told_once_of_a_deletion(
    mlist: Any, clock: Clock
) -> None:
    assign(mlist, Role.moderator, Assignee('mo@example.org'))
    provision()
    taken()
    clock.moment += timedelta(days=31)
    closing.delete_due(clock.moment)
    clock.moment += timedelta(days=1)
    closing.delete_due(clock.moment)
    told = {', '.join(more['recipients']): msg for msg, more in taken('out')}
    assert set(told) == {ADMIN, 'help@example.gov', 'operators@example.gov'}
    assert taken() == []
    msg = told[ADMIN]
    assert msg['subject'] == 'The mailing list HQR Updates has been deleted'
    assert msg['from'] == 'QualityNet Mailer <help@example.gov>'
    text = text_of(msg)
    require_expected(text, __file__, 'of-a-deletion')


def test_the_same_form_after_the_deletion_is_unchanged(
    mlist: Any, make_list: Any, clock: Clock
) -> None:
    provision()
    clock.moment += timedelta(days=31)
    closing.delete_due(clock.moment)
    taken()
    for dry_run in (True, False):
        again = provision(dry_run=dry_run)
        assert (again.outcome, again.notes) == (
            'unchanged',
            ('the list was deleted at 2026-04-02T12:00:00Z',),
        )
    asked = apply_form(form(), actor='x', request='over REST')
    assert (asked.outcome, asked.notes) == ('unchanged', again.notes)
    for other in ({'ticket': 'REQ9'}, {'action': 'archive'}):
        assert provision(**other).outcome == 'invalid'
    # A list of the same name is another one.
    new = create_list(f'news1@{DOMAIN}', style_name='qnet-discussion-public')
    appoint(new, ADMIN)
    config.db.commit()
    again = provision()
    assert again.outcome == 'unchanged'
    assert again.notes[0].endswith(f'made anew since; {ANEW} closes it')
    assert closure_of(new.list_id) is None
    assert provision(ticket='REQ9').outcome == 'changed'


def test_the_forms_of_a_deleted_list_do_not_make_it_again(
    core: SimpleNamespace, clock: Clock
) -> None:
    wanted = samples.form(list__name='news1')

    def outcomes() -> list[str]:
        again = apply_form(wanted, actor='test'), provision(approved=True)
        return [each.outcome for each in again]

    assert outcomes() == ['created', 'changed']
    clock.moment += timedelta(days=31)
    closing.delete_due(clock.moment)
    assert lists() == []
    assert outcomes() == ['unchanged', 'unchanged']
    assert lists() == []
    again = apply_form(wanted, actor='test', dry_run=True)
    assert again.notes == (f'the list was closed and deleted; {ANEW} makes it again',)
    assert provision().notes[0].startswith('the list was deleted at ')
    other = samples.form(list__name='news1', ticket='REQ2')
    assert apply_form(other, actor='test').outcome == 'created'
    # Without a form that closes it, it is not meant to be away.
    provision(approved=True, ticket='REQ3')
    (mlist,) = getUtility(IListManager)
    closing.reopen(mlist)
    remove_list(mlist)
    config.db.commit()
    assert apply_form(other, actor='test').outcome == 'created'


def test_a_runner_looks_after_that(mlist: Any, clock: Clock) -> None:
    provision()
    clock.moment += timedelta(days=31)
    task.TaskRunner('task')._do_periodic()
    assert lists() == []


def test_a_list_that_was_reopened_is_not_deleted(mlist: Any, clock: Clock) -> None:
    provision()
    closing.reopen(mlist)
    config.db.commit()
    clock.moment += timedelta(days=31)
    closing.delete_due(clock.moment)
    assert lists() == [mlist.list_id]


def test_a_deletion_that_was_interrupted_is_completed(
    mlist: Any, make_list: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_list()
    appoint(other, ADMIN)
    config.db.commit()
    provision()
    provision(list='news2')
    real = closing.remove_list
    broken = mlist.list_id

    def fail(found: Any) -> None:
        if found.list_id == broken:
            raise OSError('no space left on device')
        real(found)

    clock.moment += timedelta(days=31)
    with monkeypatch.context() as patch:
        patch.setattr(closing, 'remove_list', fail)
        closing.delete_due(clock.moment)
    assert lists() == [broken], 'the other one is gone all the same'
    closing.delete_due(clock.moment)
    assert lists() == []


def test_many_members_are_deleted_in_portions(
    mlist: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, 'chunks', lambda rows: [[row] for row in rows])
    commits = []
    real = config.db.commit
    provision()
    clock.moment += timedelta(days=31)
    monkeypatch.setattr(config.db, 'commit', lambda: (commits.append(1), real()))
    closing.delete_due(clock.moment)
    assert lists() == []
    # The claim of the job, three members, and the list.
    assert len(commits) == 5
    assert not list(
        store().scalars(select(Member).where(Member.role == MemberRole.member))
    )
