# SPDX-License-Identifier: GPL-3.0-or-later
"""What a form costs, and two processes that apply the same one."""

from __future__ import annotations

import subprocess
import sys
from operator import attrgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.usermanager import IUserManager
from sqlalchemy import inspect as sqlalchemy_inspect
from sqlalchemy import select
from zope.component import getUtility

from qnet_mailman.lists.description import describe
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.provisioning.apply import apply_form
from tests.effort import effort
from tests.provisioning.applying import provision, sent, the_list
from tests.provisioning.samples import LIST_ID, form


def test_what_one_list_costs(core: SimpleNamespace) -> None:
    with effort() as spent:
        provision()
    assert len(spent.statements) < 90


def test_what_a_thousand_subscribers_cost(core: SimpleNamespace) -> None:
    people = [{'email': f'p{n}@example.org', 'name': f'P {n}'} for n in range(1000)]
    wanted = form(subscribers=people)
    with effort() as spent:
        result = apply_form(wanted, actor='x')
    assert result.outcome == 'created'
    assert the_list().members.member_count == 1000
    # As many as for one; none of them looks through all people for each.
    assert len(spent.statements) < 300
    assert spent.kilosteps < 3000
    (row,) = [
        row for row in store().scalars(select(QNetAudit)) if 'member' in row.action
    ]
    assert '"count": 1000' in row.detail


def test_members_are_as_mailman_makes_them(core: SimpleNamespace) -> None:
    provision(subscribers=[{'email': 'Ours@example.org', 'name': 'Ann'}])
    user = getUtility(IUserManager).make_user('Theirs@example.org', 'Ann')
    address = next(iter(user.addresses))
    address.verified_on = user.created_on
    the_list().subscribe(address)
    core.config.db.commit()
    unlike = {'id', '_member_id', '_user_id', 'email', '_original'}
    unlike |= {'user_id', 'address_id', 'preferences_id'}

    def columns(row: Any) -> dict[str, Any]:
        found = {
            name: getattr(row, name)
            for name in sqlalchemy_inspect(type(row)).column_attrs.keys()  # noqa: SIM118
        }
        return {
            name: 'a time' if name.endswith(('_on', 'created')) else value
            for name, value in found.items()
            if name not in unlike
        }

    ours = the_list().members.get_member('ours@example.org')
    theirs = the_list().members.get_member('theirs@example.org')
    for part in ('', 'address', 'user', 'preferences', 'address.preferences'):
        mine, stock = (
            attrgetter(part)(member) if part else member for member in (ours, theirs)
        )
        assert columns(mine) == columns(stock), part
    assert ours.address.original_email == 'Ours@example.org'
    assert ours.member_id != ours.user.user_id


CHILD = """
import os, sys
from mailman.core.initialize import initialize
initialize(sys.argv[1])
from tests.provisioning.samples import form
from qnet_mailman.provisioning import apply, notices
from qnet_mailman.queues import handover
if sys.argv[2] == 'before the commit':
    handover.Handover.write_row = lambda self: os._exit(9)
if sys.argv[2] == 'before the notices':
    notices.send_all = lambda *args: os._exit(9)
if sys.argv[2] == 'after the commit':
    handover.Handover.move = lambda self: os._exit(9)
result = apply.apply_form(form(), actor='test')
print(result.outcome, *result.errors)
"""


def child(core: SimpleNamespace, killed: str = 'never') -> subprocess.Popen[str]:
    """Another process that applies the good form."""
    core.config.db.store.close()
    return subprocess.Popen(
        [sys.executable, '-c', CHILD, core.cfg, killed],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )


@pytest.mark.parametrize(
    ('killed', 'outcome'),
    [
        ('before the notices', 'created'),
        ('before the commit', 'created'),
        ('after the commit', 'unchanged'),
    ],
)
def test_a_killed_process_is_made_good_by_the_next(
    core: SimpleNamespace, killed: str, outcome: str
) -> None:
    assert child(core, killed).wait(timeout=60) == 9
    assert provision().outcome == outcome
    assert len(sent()) == 4
    assert describe(the_list())['members'] == 2


def test_two_processes_make_one_list(core: SimpleNamespace) -> None:
    processes = [child(core) for _ in range(2)]
    outcomes = sorted(
        process.communicate(timeout=60)[0].strip() for process in processes
    )
    assert outcomes == ['created', 'unchanged']
    assert len(sent()) == 4
    assert LIST_ID in list(getUtility(IListManager).list_ids)
