# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms without a ticket: the number that stands for it (R30, R38)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mailman.config import config

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.model.requests import OPEN
from qnet_mailman.provisioning.apply import Result, apply_form
from qnet_mailman.provisioning.plan import ANEW
from qnet_mailman.review import deciding, requests
from tests.provisioning import closures, samples, test_threshold_change
from tests.provisioning.applying import provision, sent
from tests.provisioning.samples import ADDRESS, REMOVE, data

pytestmark = pytest.mark.usefixtures('core')
FIRST = 'QM-000001'


def without(**changes: Any) -> Result:
    return provision(ticket=REMOVE, **changes)


def summary(result: Result) -> tuple[str, str]:
    return result.outcome, result.ticket


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(qnet, [*map(str, arguments)])


def test_the_same_again_is_the_first_number() -> None:
    assert summary(without()) == ('created', FIRST)
    assert 'of request QM-000001' in str(sent()['rae@agency.example.gov'])
    assert summary(without()) == ('unchanged', FIRST)
    assert requests.how_many(['approved']) == 1
    assert not requests.of(OPEN)


def test_a_dry_run_and_a_form_with_mistakes_use_up_no_number() -> None:
    form = samples.form(ticket=REMOVE)
    foreseen = apply_form(form, actor='x', approved=True, dry_run=True)
    assert summary(foreseen) == ('planned', '')
    assert without(list__name='x@elsewhere.example').outcome == 'invalid'
    assert summary(without()) == ('created', FIRST)


def test_what_the_requester_changes_keeps_its_number() -> None:
    without()
    assert summary(without(list__description='Other news.')) == ('changed', FIRST)
    assert summary(without(list__description='Other news.')) == ('unchanged', FIRST)
    # Back to what it was first.
    assert summary(without()) == ('changed', FIRST)


def test_nobody_is_asked_for_a_number_that_is_not_theirs() -> None:
    provision()
    other = {'name': 'Max Example', 'email': 'max@example.org'}
    [error] = without(requester=other).errors
    assert str(error) == (
        f'list, name: the list {ADDRESS} exists and was made by another request; '
        'expected another name (an administrator-request or a threshold-change changes '
        'a list that is there)'
    )
    # Whose list it is need not remember the ticket.
    changed = without(list__description='Other news.')
    assert summary(changed) == ('changed', 'REQ0001234')


@pytest.mark.parametrize('first', ['', 'REQ9'])
def test_the_service_desks_number_at_the_command_line(
    tmp_path: Path, first: str
) -> None:
    path = tmp_path / 'form.json'
    path.write_text(json.dumps(data(ticket=REMOVE)), 'utf-8')
    ticket = ['--ticket', first] if first else []
    made = run('provision', '--json', *ticket, path)
    assert json.loads(made.stdout)['ticket'] == (first or FIRST)
    again = json.loads(run('provision', '--json', path).stdout)
    assert (again['result'], again['ticket']) == ('unchanged', first or FIRST)
    later = json.loads(run('provision', '--json', '--ticket', 'REQ9', path).stdout)
    assert (later['result'], later['ticket']) == ('unchanged', first or FIRST)
    # Either finds it.
    for number in {first or FIRST, 'REQ9'}:
        found = run('audit', '--json', '--request', number).stdout
        assert 'form applied' in [row['action'] for row in json.loads(found)]
    if not first:
        shown = run('forms', 'show', 'REQ9')
        assert FIRST in shown.stdout and ADDRESS in shown.stdout
    refused = run('provision', '--ticket', 'REQ 9', path)
    assert refused.exit_code == 2 and 'a ticket number' in refused.stderr


def test_a_form_that_waits_has_the_number_that_it_came_with() -> None:
    form = samples.form(ticket=REMOVE)
    result = apply_form(form, actor='x', approved=True, number='QM-000007')
    assert summary(result) == ('created', 'QM-000007')
    assert summary(without()) == ('unchanged', 'QM-000007')


def thresholds(**changes: Any) -> Result:
    form = test_threshold_change.form(ticket=REMOVE, **changes)
    return apply_form(form, actor='x', approved=True)


def test_what_was_undone_since_is_told() -> None:
    provision()
    assert summary(thresholds()) == ('changed', FIRST)
    assert thresholds().notes == ()
    assert summary(thresholds(bounces={'threshold': 5})) == ('changed', 'QM-000002')
    again = thresholds()
    assert summary(again) == ('unchanged', FIRST)
    assert again.notes == (
        f'the settings were changed since; {ANEW} changes them again',
    )
    assert summary(thresholds(reason='They move again.')) == ('changed', 'QM-000003')


@closures.CLOSABLE
def test_whoever_closed_a_list_changes_how_without_a_number(mlist: Any) -> None:
    def close(**changes: Any) -> Result:
        return closures.provision(approved=True, ticket=REMOVE, **changes)

    assert summary(close()) == ('changed', FIRST)
    assert summary(close(action='archive')) == ('changed', FIRST)
    other = {'name': 'Max Example', 'email': 'max@example.org'}
    [error] = close(requester=other).errors
    assert 'expected a request of the person who had it closed' in str(error)


def test_a_number_is_made_once_however_a_form_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_arguments: Any) -> None:
        raise OSError('no space')

    with monkeypatch.context() as patch:
        patch.setattr('qnet_mailman.provisioning.apply.keep_form', fail)
        assert without().outcome == 'failed'
    assert requests.how_many(['approved']) == 0
    assert summary(without()) == ('created', FIRST)
    deciding.link(1, 'REQ5', actor='operator:ann')
    assert requests.with_ticket('REQ5')[0][0].id == 1
    config.db.commit()
