# SPDX-License-Identifier: GPL-3.0-or-later
"""The `threshold-change` form: its schema, plan, application, notices (R21, R30)."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from mailman.app.lifecycle import create_list
from mailman.interfaces.listmanager import IListManager
from sqlalchemy import select
from zope.component import getUtility

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.forms import loading, threshold_change
from qnet_mailman.forms.kinds import KINDS
from qnet_mailman.forms.mistakes import Document, FormInvalid
from qnet_mailman.forms.threshold_change import ThresholdChange, validate
from qnet_mailman.lists import settings
from qnet_mailman.lists.settings import change_setting
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.forms import QNetForm
from qnet_mailman.provisioning import apply, notices, plan
from qnet_mailman.provisioning.apply import Result, apply_form
from qnet_mailman.roles import grants
from qnet_mailman.roles.rights import Identity, Role
from qnet_mailman.settings import Settings
from tests.provisioning import samples
from tests.provisioning.applying import sent
from tests.provisioning.samples import ADDRESS, DOMAIN, EXAMPLES, LIST_ID, REMOVE

SETTINGS = Settings(domain=DOMAIN, support_address='help@example.gov')
GOOD: dict[str, Any] = {
    'form': 'threshold-change',
    'ticket': 'REQ0002345',
    'requester': {'name': 'Rae Requester', 'email': 'rae@agency.example.gov'},
    'list': 'hqr-updates',
    'bounces': {'threshold': 8, 'window_days': 14},
    'reason': 'Their mail server is being moved.',
}


def data(**changes: Any) -> dict[str, Any]:
    """A good form's data with some of its keys changed."""
    whole = {**GOOD, **changes}
    return {key: value for key, value in whole.items() if value is not REMOVE}


def form(**changes: Any) -> ThresholdChange:
    """A good form with some of its keys changed."""
    return validate(Document(data(**changes)), default_domain=DOMAIN)


def mistakes(**changes: Any) -> list[str]:
    with pytest.raises(FormInvalid) as invalid:
        form(**changes)
    return [str(error) for error in invalid.value.errors]


# What the form may hold.


def test_a_good_form_in_order() -> None:
    found = form(list='HQR-Updates', bounces={'threshold': '9'}, reason=' a\n b ')
    assert found.list == found.list_address == ADDRESS
    assert (found.bounces.threshold, found.bounces.window_days) == (9, None)
    assert found.reason == 'a b'
    assert form(list='x@Other.example.org').list == 'x@other.example.org'
    assert form(reason=REMOVE).reason == ''
    assert ThresholdChange.model_validate_json(found.content()).digest() == (
        found.digest()
    )


NUMBER = 'expected a whole number from 1 to'
LIST = 'expected the name of a list, or its whole address'
BOUNCES = 'expected what is to change: threshold, window_days or both'


@pytest.mark.parametrize(
    ('changes', 'expected'),
    [
        (
            {'form': 'closure'},
            'form: found "closure"; expected list-request, administrator-request, '
            'threshold-change or list-closure',
        ),
        ({'list': REMOVE}, "list: is missing; expected the list's name, or its whole "
         'address'),
        ({'list': {'name': 'x'}}, f'list: found a section with keys; {LIST}'),
        ({'list': 'a b'}, f'list: found "a b"; {LIST}'),
        ({'list': 'a@b@c'}, f'list: found "a@b@c"; {LIST}'),
        ({'list': 'x\n'+'y'}, f'list: found "x\N{REPLACEMENT CHARACTER}y"; {LIST}'),
        ({'bounces': REMOVE}, f'bounces: is missing; {BOUNCES}'),
        ({'bounces': {}}, f'bounces: found an empty section; {BOUNCES}'),
        ({'bounces': {'threshold': None}}, f'bounces: is missing; {BOUNCES}'),
        ({'bounces': 5}, f'bounces: found 5; {BOUNCES}'),
        (
            {'bounces': {'threshold': 0}},
            f'bounces, threshold: found 0; {NUMBER} 100',
        ),
        (
            {'bounces': {'threshold': 2.5}},
            f'bounces, threshold: found 2.5; {NUMBER} 100',
        ),
        (
            {'bounces': {'window_days': 'a week'}},
            f'bounces, window_days: found "a week"; {NUMBER} 365',
        ),
        (
            {'bounces': {'window': 7}},
            'bounces, window: is not a key of this form; did you mean "window_days"? '
            'known are threshold, window_days',
        ),
        (
            {'reason': 'x' * 1001},
            f'reason: found "{"x" * 57}..."; expected text, at most 1000 characters, '
            'without control characters; this has 1001',
        ),
        (
            {'reason': 'a\x00b'},
            'reason: found "a\N{REPLACEMENT CHARACTER}b"; expected text, at most 1000 '
            'characters, without control characters',
        ),
        (
            {'subscribers': 'people.csv'},
            'subscribers: is not a key of this form; known are form, ticket, '
            'requester, list, bounces, reason',
        ),
    ],
)  # fmt: skip
def test_one_mistake_is_one_sentence(changes: dict[str, Any], expected: str) -> None:
    assert mistakes(**changes) == [expected]


WRONG = """\
form: threshold-change
ticket: REQ 99
requester: {name: Pat Example, email: pat@agency}
list: hqr updates
bounces:
  threshold: none
  window_days: 0
why: because
"""


def test_every_mistake_at_once_each_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / 'form.yaml'
    path.write_text(WRONG, 'utf-8')
    with pytest.raises(FormInvalid) as invalid:
        loading.load(path, SETTINGS)
    assert [(error.line, error.field) for error in invalid.value.errors] == [
        (2, 'ticket'),
        (3, 'requester, email'),
        (4, 'list'),
        (6, 'bounces, threshold'),
        (7, 'bounces, window_days'),
        (8, 'why'),
    ]


@pytest.mark.parametrize('word', ['Threshold-Change', 'threshold change'])
def test_a_word_that_is_nearly_right_is_the_only_mistake(
    tmp_path: Path, word: str
) -> None:
    path = tmp_path / 'form.json'
    path.write_text(json.dumps(data(form=word)), 'utf-8')
    with pytest.raises(FormInvalid) as invalid:
        loading.load(path, SETTINGS)
    assert [error.field for error in invalid.value.errors] == ['form']


def test_the_published_json_schema_is_current() -> None:
    module = Path(threshold_change.__file__)
    path = module.with_name('threshold-change.schema.json')
    assert path.read_text('utf-8') == threshold_change.json_schema_text(), (
        f'run: python -m qnet_mailman.forms.threshold_change > {path}'
    )


def test_the_example_is_valid() -> None:
    found = loading.load(EXAMPLES / 'threshold-change.yaml', SETTINGS).form
    assert isinstance(found, ThresholdChange)
    assert plan.wanted(found) == {'threshold': 8, 'window_days': 14}


@pytest.mark.parametrize('file_format', ['yaml', 'json'])
def test_an_empty_form_wants_what_is_needed_and_no_more(
    tmp_path: Path, file_format: str
) -> None:
    path = tmp_path / f'form.{file_format}'
    path.write_text(KINDS['threshold-change'].empty(file_format), 'utf-8')
    with pytest.raises(FormInvalid) as invalid:
        loading.load(path, SETTINGS)
    assert {error.field for error in invalid.value.errors} == {
        'requester',
        'list',
        'bounces',
    }


# What it does.


@pytest.fixture
def hqr_updates(core: SimpleNamespace) -> Any:
    """The list of the sample request, its notices out of the way."""
    samples.grant_roles()
    result = apply_form(samples.form(), actor='operator:test')
    assert result.outcome == 'created'
    sent()
    return getUtility(IListManager).get(ADDRESS)


def provision(**changes: Any) -> Result:
    return apply_form(form(**changes), actor='operator:test', approved=True)


def settings_of(mlist: Any) -> tuple[Any, Any]:
    found = settings.current(mlist)
    return found['threshold'], found['window_days']


def audited() -> list[tuple[str, str, str, dict[str, Any]]]:
    rows = store().scalars(select(QNetAudit).order_by(QNetAudit.id))
    return [
        (row.actor, row.action, row.subject, json.loads(row.detail)) for row in rows
    ]


def test_both_are_changed_told_and_audited(
    core: SimpleNamespace, hqr_updates: Any
) -> None:
    before = len(audited())
    result = provision()
    assert (result.outcome, result.list_address) == ('changed', ADDRESS)
    assert [str(step) for step in result.steps] == [
        'change threshold from 5 to 8',
        'change window_days from 7 to 14',
    ]
    assert settings_of(hqr_updates) == (8, 14)
    assert audited()[before:] == [
        (
            'operator:test',
            'setting changed',
            'threshold',
            {'old': 5, 'new': 8, 'ticket': 'REQ0002345'},
        ),
        (
            'operator:test',
            'setting changed',
            'window_days',
            {'old': 7, 'new': 14, 'ticket': 'REQ0002345'},
        ),
        (
            'operator:test',
            'form applied',
            'REQ0002345',
            {
                'kind': 'threshold-change',
                'digest': form().digest(),
                'requester': 'rae@agency.example.gov',
                'changes': 2,
                'approved_by': 'operator:test',
            },
        ),
    ]
    notes = sent()
    assert set(notes) == {
        'rae@agency.example.gov',
        'pat@agency.example.gov',
        'sam@agency.example.gov',
    }
    for email, name in (
        ('rae@agency.example.gov', 'Rae Requester'),
        ('sam@agency.example.gov', 'Sam Sample'),
    ):
        text = notes[email].get_payload()
        assert text.startswith(f'Dear {name},\n')
        for part in (
            '  Bounce threshold: 8 points (before: 5 points)\n',
            '  Bounce window:    14 days (before: 7 days)\n',
            'HQR Updates <' + ADDRESS,
            'REQ0002345, by Rae Requester\n',
            'Reason    Their mail server is being moved.\n',
            'help@example.gov',
        ):
            assert part in text
        assert '$' not in text
        assert max(map(len, text.splitlines())) <= 80


def test_again_is_unchanged_whatever_has_happened_since(
    core: SimpleNamespace, hqr_updates: Any
) -> None:
    provision()
    change_setting(hqr_updates, 'threshold', 8, 6)
    core.config.db.commit()
    sent()
    before = audited()
    again = provision()
    assert (again.outcome, again.steps) == ('unchanged', ())
    assert settings_of(hqr_updates) == (6, 14)
    assert (sent(), audited()) == ({}, before)


def test_a_changed_form_changes_just_that(
    core: SimpleNamespace, hqr_updates: Any
) -> None:
    provision()
    change_setting(hqr_updates, 'threshold', 8, 6)
    core.config.db.commit()
    sent()
    result = provision(bounces={'threshold': 8, 'window_days': 30})
    assert [str(step) for step in result.steps] == ['change window_days from 14 to 30']
    assert settings_of(hqr_updates) == (6, 30)
    kept = provision(bounces={'threshold': 8, 'window_days': 30}, reason='Other words')
    assert kept.outcome == 'unchanged'
    assert kept.notes[1:] == (
        'the form has changed and is kept; the list needs no change',
    )
    (row,) = store().scalars(
        select(QNetForm).where(QNetForm.kind == 'threshold-change')
    )
    assert 'Other words' in row.content


def test_one_of_the_two(core: SimpleNamespace, hqr_updates: Any) -> None:
    assert provision(bounces={'window_days': 30}).outcome == 'changed'
    assert settings_of(hqr_updates) == (5, 30)
    text = sent()['pat@agency.example.gov'].get_payload()
    assert '  Bounce threshold: 5 points\n' in text
    assert '  Bounce window:    30 days (before: 7 days)\n' in text


def test_what_is_so_already_is_told_to_the_requester_only(
    core: SimpleNamespace, hqr_updates: Any
) -> None:
    result = provision(bounces={'threshold': 5})
    assert result.outcome == 'unchanged'
    assert result.notes == (
        'rae@agency.example.gov does not administer hqr-updates@lists.example.gov now; '
        'the operator answers for it (--approve)',
        'the list has these settings already',
    )
    (note,) = sent().values()
    assert note['To'] == 'rae@agency.example.gov'
    assert 'needed no change' in note.get_payload()


def test_the_lists_own_request_leaves_the_change_alone(hqr_updates: Any) -> None:
    # The same ticket may stand on both kinds of forms.
    provision(ticket='REQ0001234')
    assert apply_form(samples.form(), actor='x').outcome == 'unchanged'
    renamed = samples.form(list__display_name='Renamed')
    assert apply_form(renamed, actor='x', approved=True).outcome == 'changed'
    assert settings_of(hqr_updates) == (8, 14)
    other = apply_form(
        samples.form(ticket='REQ0002345', list__name='another'), actor='x'
    )
    assert not any('REQ0002345' in note for note in other.notes)


def test_a_dry_run_touches_nothing(core: SimpleNamespace, hqr_updates: Any) -> None:
    before = audited()
    planned = apply_form(form(), actor='x', dry_run=True, approved=True)
    assert (planned.outcome, len(planned.steps)) == ('planned', 2)
    assert (settings_of(hqr_updates), sent(), audited()) == ((5, 7), {}, before)
    provision()
    assert apply_form(form(), actor='x', dry_run=True).outcome == 'unchanged'


def test_a_list_that_is_not_there(hqr_updates: Any) -> None:
    result = provision(list='hqr-update')
    assert result.outcome == 'invalid'
    assert [str(error) for error in result.errors] == [
        f'list: found "hqr-update@{DOMAIN}"; expected a list that exists (did you '
        f'mean {ADDRESS}?)'
    ]
    assert not provision(list='x@y.example.org').errors[0].message.endswith('?)')


def test_a_list_without_a_style_of_ours(
    core: SimpleNamespace, hqr_updates: Any
) -> None:
    create_list(f'stock@{DOMAIN}', style_name='legacy-default')
    core.config.db.commit()
    result = provision(list='stock')
    assert result.outcome == 'invalid'
    assert 'was made without a QualityNet style' in result.errors[0].message


def test_who_has_lost_the_role_is_not_told(
    core: SimpleNamespace, hqr_updates: Any
) -> None:
    grants.revoke(Identity.of('ssample'), Role.administrator, 'Has moved on.')
    core.config.db.commit()
    provision(requester={'name': 'Pat', 'email': 'PAT@agency.example.gov'})
    assert set(sent()) == {'pat@agency.example.gov'}


def test_a_failure_changes_nothing(
    core: SimpleNamespace, hqr_updates: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError('no space left on device')

    before = audited()
    with monkeypatch.context() as patch:
        patch.setattr(apply, '_require_queue', fail)
        result = provision()
    assert result.outcome == 'failed'
    assert 'no space left on device' in result.errors[0].message
    assert (settings_of(hqr_updates), sent(), audited()) == ((5, 7), {}, before)
    assert provision().outcome == 'changed'


def test_notices_that_were_not_sent_are_sent_the_next_time(
    core: SimpleNamespace, hqr_updates: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise OSError('no space left on device')

    with monkeypatch.context() as patch:
        patch.setattr(notices, 'send_threshold_change', fail)
        result = provision()
    assert result.outcome == 'changed'
    assert 'no space left on device' in result.notes[-1]
    assert provision().outcome == 'unchanged'
    notes = sent()
    assert len(notes) == 3
    text = notes['sam@agency.example.gov'].get_payload()
    assert '  Bounce threshold: 8 points\n' in text
    provision()
    assert sent() == {}


def test_hostile_words_stay_words(core: SimpleNamespace, hqr_updates: Any) -> None:
    name = 'Ä "quoted" <x@example.org>, $listname'
    result = provision(
        requester={'name': name, 'email': 'rae@agency.example.gov'},
        reason='$listname ' * 50,
    )
    assert result.outcome == 'changed'
    note = sent()['rae@agency.example.gov']
    text = note.get_payload(decode=True).decode('utf-8')
    assert f'by {name}\n' in text
    assert note.get_all('To') == ['rae@agency.example.gov']


def test_as_an_operator_uses_it(hqr_updates: Any) -> None:
    path = str(EXAMPLES / 'threshold-change.yaml')

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(qnet, arguments)

    dry = run('provision', '--dry-run', path)
    assert dry.output.splitlines()[0] == f'{path}: planned ({ADDRESS}, REQ0002345)'
    changed = run('provision', path)
    assert changed.output.splitlines() == [
        f'{path}: changed ({ADDRESS}, REQ0002345)',
        '  change threshold from 5 to 8',
        '  change window_days from 7 to 14',
    ]
    assert run('provision', path).output.startswith(f'{path}: unchanged')
    shown = json.loads(run('show', LIST_ID, '--json').output)
    assert (shown['threshold'], shown['window_days']) == (8, 14)
    assert shown['tickets'] == ['REQ0001234', 'REQ0002345']
    empty = run('form', 'threshold-change')
    assert 'form: threshold-change\n' in empty.output
    printed = run('form', 'threshold-change', '--format', 'json-schema').output
    assert printed == threshold_change.json_schema_text()
