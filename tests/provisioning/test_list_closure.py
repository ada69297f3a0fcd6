# SPDX-License-Identifier: GPL-3.0-or-later
"""Closing a list by form, opening it again, and deleting it in the end (R29-R31)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from mailman.config import config
from mailman.model.member import Member
from sqlalchemy import select

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.forms import list_closure, loading
from qnet_mailman.forms.list_closure import ListClosure
from qnet_mailman.forms.mistakes import FormInvalid
from qnet_mailman.lists.description import describe
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.closures import closure_of
from qnet_mailman.provisioning.plan import ANEW
from qnet_mailman.settings import Settings
from qnet_mailman.values import Closing
from tests.clock import Clock
from tests.expected import require_expected
from tests.helpers import post, queued, run
from tests.provisioning.closures import (
    ADMIN,
    CLOSABLE,
    actions,
    form,
    letter,
    notices_to,
    provision,
    taken,
)
from tests.provisioning.samples import DOMAIN, EXAMPLES, REMOVE

SETTINGS = Settings(domain=DOMAIN, support_address='help@example.gov')
pytestmark = CLOSABLE


# What the form may hold.


@pytest.mark.parametrize(
    ('changes', 'expected'),
    [
        (
            {'action': REMOVE},
            'action: is missing; expected archive (closed, the archive stays) or '
            'delete',
        ),
        ({'action': 'hide'}, 'action: found "hide"; expected archive or delete'),
        (
            {'tell_members': REMOVE},
            'tell_members: is missing; expected true if the members are to be told '
            'that the list is closed',
        ),
        ({'tell_members': 1}, 'tell_members: found 1; expected true or false'),
        (
            {'list': 'a b'},
            'list: found "a b"; expected the name of a list, or its whole address',
        ),
        (
            {'lists': ['a']},
            'lists: is not a key of this form; did you mean "list"? known are form, '
            'ticket, requester, list, action, tell_members, reason',
        ),
    ],
)
def test_one_mistake_is_one_sentence(changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(FormInvalid) as invalid:
        form(**changes)
    assert [str(error) for error in invalid.value.errors] == [expected]


def test_the_published_json_schema_and_the_example_are_current() -> None:
    path = Path(list_closure.__file__).with_name('list-closure.schema.json')
    assert path.read_text('utf-8') == list_closure.json_schema_text(), (
        f'run: python -m qnet_mailman.forms.list_closure > {path}'
    )
    found = loading.load(EXAMPLES / 'list-closure.yaml', SETTINGS).form
    assert isinstance(found, ListClosure)
    assert (found.action, found.tell_members) == (Closing.archive, True)


def test_it_is_closed_told_and_audited(mlist: Any, clock: Clock) -> None:
    result = provision(reason='Nobody needs it.')
    assert (result.outcome, result.errors) == ('changed', ())
    assert [str(step) for step in result.steps] == [
        'close the list; it can be reopened for 30 days, then it is deleted for good, '
        'with its members and settings'
    ]
    assert describe(mlist)['closed'] == {
        'action': 'delete',
        'since': '2026-03-02T12:00:00Z',
        'undo_until': '2026-04-01T12:00:00Z',
    }
    assert actions()[-2:] == ['list closed', 'form applied']
    ((note, more),) = taken()
    assert more['recipients'] == {ADMIN}
    text = note.get_payload()
    require_expected(text, __file__, 'of-a-closure')
    assert max(map(len, text.splitlines())) <= 80
    assert queued('pipeline') == []
    shown = CliRunner().invoke(qnet, ['show', mlist.list_id]).output
    assert (
        'closed:              delete, since 2026-03-02T12:00:00Z, can be reopened '
        'until 2026-04-01T12:00:00Z'
    ) in shown


def test_again_is_unchanged_and_a_dry_run_touches_nothing(
    mlist: Any, clock: Clock
) -> None:
    planned = provision(dry_run=True)
    assert (planned.outcome, len(planned.steps)) == ('planned', 1)
    assert closure_of(mlist.list_id) is None
    provision()
    taken()
    before = actions()
    assert provision().outcome == 'unchanged'
    assert provision(dry_run=True).outcome == 'unchanged'
    assert (actions(), taken()) == (before, [])


def test_another_end_begins_the_time_anew(mlist: Any, clock: Clock) -> None:
    provision()
    clock.moment += timedelta(days=10)
    kept = provision(reason='Other words')
    assert (kept.outcome, kept.steps) == ('unchanged', ())
    assert provision(action='archive').outcome == 'changed'
    assert describe(mlist)['closed'] == {
        'action': 'archive',
        'since': '2026-03-02T12:00:00Z',
        'undo_until': '2026-04-11T12:00:00Z',
    }
    (error,) = provision(ticket='REQ9').errors
    assert error.field == 'ticket'
    assert 'was closed by the request REQ0004567' in error.message
    clock.moment += timedelta(days=31)
    (error,) = provision(action='delete').errors
    assert 'is closed for good' in error.message


def test_who_does_not_administer_it_needs_an_operator(mlist: Any, clock: Clock) -> None:
    requester = {'name': 'Ann', 'email': 'ann@example.org'}
    (error,) = provision(requester=requester).errors
    assert error.message.startswith('ann@example.org does not administer')
    assert closure_of(mlist.list_id) is None
    assert provision(requester=requester, approved=True).outcome == 'changed'
    (row,) = store().scalars(
        select(QNetAudit).where(QNetAudit.action == 'form applied')
    )
    assert json.loads(row.detail)['approved_by'] == 'operator:test'


def test_a_list_that_is_not_there(mlist: Any) -> None:
    (error,) = provision(list='news').errors
    assert error.message == (
        f'found "news@{DOMAIN}"; expected a list that exists (did you mean '
        f'news1@{DOMAIN}?)'
    )


def state(mlist: Any) -> dict[str, Any]:
    members = {
        (member.address.email, member.role, member.delivery_mode)
        for member in store().scalars(
            select(Member).where(Member.list_id == mlist.list_id)
        )
    }
    return {
        'members': members,
        'advertised': mlist.advertised,
        **{k: v for k, v in describe(mlist).items() if k != 'tickets'},
    }


@pytest.mark.parametrize('advertised', [True, False])
@pytest.mark.parametrize('action', ['archive', 'delete'])
def test_reopening_puts_everything_back(
    mlist: Any, clock: Clock, action: str, advertised: bool
) -> None:
    mlist.advertised = advertised
    config.db.commit()
    before = state(mlist)
    provision(action=action)
    taken()
    assert state(mlist) != before
    clock.moment += timedelta(days=29, hours=23, minutes=59)
    result = CliRunner().invoke(qnet, ['reopen', mlist.list_id])
    assert (result.exit_code, result.output) == (0, f'news1@{DOMAIN}: open again\n')
    assert state(mlist) == before
    assert actions()[-1] == 'list reopened'
    assert notices_to() == {ADMIN: 'The mailing list HQR Updates is open again'}
    post(mlist, letter(ADMIN))
    run('in')
    assert len(queued('pipeline')) == 1
    again = provision(action=action)
    assert again.outcome == 'unchanged'
    assert again.notes == (f'the list was reopened; {ANEW} closes it',)
    assert provision(action=action, ticket='REQ5').outcome == 'changed'


def test_what_cannot_be_reopened(mlist: Any, clock: Clock) -> None:
    result = CliRunner().invoke(qnet, ['reopen', mlist.list_id])
    assert (result.exit_code, result.stderr) == (
        1,
        f'news1@{DOMAIN} is not closed\n',
    )
    provision(action='archive')
    clock.moment += timedelta(days=30)
    result = CliRunner().invoke(qnet, ['reopen', mlist.list_id])
    assert (result.exit_code, result.stderr) == (
        1,
        f'news1@{DOMAIN} is closed for good: it could be reopened until April 1, 2026, '
        '12:00 UTC\n',
    )


@pytest.mark.parametrize(
    ('closed', 'undo_until'),
    [
        # Clocks go forward on March 8, 2026, and back on November 1.
        (datetime(2026, 3, 1, 4, 59), datetime(2026, 3, 31, 3, 59)),
        (datetime(2026, 10, 20, 4, 30), datetime(2026, 11, 19, 5, 30)),
    ],
)
def test_days_are_days_of_the_calendar(
    mlist: Any, clock: Clock, configure: Any, closed: datetime, undo_until: datetime
) -> None:
    configure(time_zone='America/New_York')
    clock.moment = closed
    provision()
    row = closure_of(mlist.list_id)
    assert row is not None
    assert row.undo_until == undo_until
    zone = ZoneInfo('America/New_York')
    hours = {
        moment.replace(tzinfo=UTC).astimezone(zone).time()
        for moment in (closed, undo_until)
    }
    assert len(hours) == 1
