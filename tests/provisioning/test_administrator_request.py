# SPDX-License-Identifier: GPL-3.0-or-later
"""The `administrator-request` form: who may ask, and what it does (R25, R29, R30)."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.interfaces.bans import IBanManager
from mailman.interfaces.listmanager import IListManager
from openpyxl import load_workbook
from sqlalchemy import select
from zope.component import getUtility

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.forms import administrator_request, loading, writing
from qnet_mailman.forms.administrator_request import AdministratorRequest, validate
from qnet_mailman.forms.mistakes import Document, FormInvalid
from qnet_mailman.lists import closing
from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.forms import QNetForm
from qnet_mailman.provisioning import apply, notices
from qnet_mailman.provisioning.apply import Result, apply_form
from qnet_mailman.roles import grants
from qnet_mailman.roles.people import Role, assignments_of
from qnet_mailman.roles.rights import Identity
from qnet_mailman.settings import Settings
from qnet_mailman.values import Closing
from tests.provisioning import samples
from tests.provisioning.applying import sent
from tests.provisioning.samples import ADDRESS, DOMAIN, EXAMPLES, REMOVE

SETTINGS = Settings(domain=DOMAIN, support_address='help@example.gov')
OTHER = f'hqr-workgroup@{DOMAIN}'
KIM = 'kim@agency.example.gov'
PAT = 'pat@agency.example.gov'
SAM = 'sam@agency.example.gov'
GOOD: dict[str, Any] = {
    'form': 'administrator-request',
    'ticket': 'REQ0003456',
    'requester': {'name': 'Pat Example', 'email': 'Pat@agency.example.gov'},
    'person': {'name': 'Kim Example', 'email': 'Kim@agency.example.gov'},
    'lists': ['hqr-updates', OTHER],
    'may_post': True,
}


def data(**changes: Any) -> dict[str, Any]:
    whole = {**GOOD, **changes}
    return {key: value for key, value in whole.items() if value is not REMOVE}


def form(**changes: Any) -> AdministratorRequest:
    return validate(Document(data(**changes)), default_domain=DOMAIN)


def mistakes(**changes: Any) -> list[str]:
    with pytest.raises(FormInvalid) as invalid:
        form(**changes)
    return [str(error) for error in invalid.value.errors]


# What the form may hold.


@pytest.mark.parametrize(
    'lists',
    [
        ['hqr-updates', 'HQR-Workgroup'],
        'hqr-updates, hqr-workgroup',
        f' hqr-updates\r\n{OTHER}\n',
        f'{ADDRESS},,\n,{OTHER},',
    ],
)
def test_lists_are_a_list_or_a_text(lists: Any) -> None:
    found = form(lists=lists)
    assert found.lists == found.list_addresses == (ADDRESS, OTHER)
    assert found.list_address == f'{ADDRESS}, {OTHER}'
    assert found.role is Role.administrator
    turned = form(lists=[OTHER, ADDRESS])
    assert found.digest() == turned.digest(), "their order is nobody's wish"
    again = AdministratorRequest.model_validate_json(found.content())
    assert again.digest() == found.digest()


LIST = 'expected the name of a list, or its whole address'
LISTS = (
    'expected the names of the lists, or their whole addresses, with commas between '
    'them; at most 200'
)


@pytest.mark.parametrize(
    ('changes', 'expected'),
    [
        ({'lists': REMOVE}, f'lists: is missing; {LISTS}'),
        ({'lists': []}, f'lists: found an empty list; {LISTS}'),
        ({'lists': {'a': 1}}, f'lists: found a section with keys; {LISTS}'),
        ({'lists': ['x'] * 201}, f'lists: found a list; {LISTS}'),
        ({'lists': 'x, a b'}, f'lists, 2nd list: found "a b"; {LIST}'),
        ({'lists': ['x', None, 'y']}, f'lists, 2nd list: found nothing; {LIST}'),
        (
            {'lists': f'x, X@{DOMAIN}'},
            f'lists, 2nd list: found "x@{DOMAIN}" again; expected each list once',
        ),
        ({'role': 'owner'}, 'role: found "owner"; expected administrator or moderator'),
        ({'may_post': 'perhaps'}, 'may_post: found "perhaps"; expected true or false'),
        (
            {'person': {'name': 'K', 'email': 'kim at'}},
            'person, email: found "kim at"; expected an e-mail address such as '
            'pat@agency.example.gov',
        ),
        (
            {'person': {'name': 'K', 'email': ADDRESS}},
            f"person, email: found a list's own address {ADDRESS}; expected the "
            'address of a person',
        ),
        (
            {'person': REMOVE},
            'person: is missing; expected who is to look after the lists: name, email, '
            'harp_id',
        ),
    ],
)
def test_one_mistake_is_one_sentence(changes: dict[str, Any], expected: str) -> None:
    assert mistakes(**changes) == [expected]


def test_mistakes_in_a_file_have_lines(tmp_path: Path) -> None:
    path = tmp_path / 'form.yaml'
    text = (EXAMPLES / 'administrator-request.yaml').read_text('utf-8')
    text = text.replace('lists: hqr-updates, ', 'lists:\n  - hqr updates\n  - ')
    path.write_text(text, 'utf-8')
    with pytest.raises(FormInvalid) as invalid:
        loading.load(path, SETTINGS)
    (error,) = invalid.value.errors
    assert (error.line, error.field) == (
        text[: text.index('  - hqr ')].count('\n') + 1,
        'lists, 1st list',
    )


def test_many_lists_in_a_cell_each_on_its_line(tmp_path: Path) -> None:
    content = writing.written('administrator-request', 'xlsx', SETTINGS)
    book = load_workbook(io.BytesIO(content))
    answers = {
        'Ticket number': 'REQ1',
        'Your name (required)': 'Pat',
        'Your e-mail address (required)': PAT,
        'Name of the person (required)': 'Kim',
        'E-mail address of the person (required)': KIM,
        'Names of the lists (required)': f'hqr-updates\n{OTHER}',
        'Role': 'List Moderator',
        'Is the person to have posting privileges?': 'Yes',
    }
    for row in book['Request'].iter_rows():
        row[2].value = answers.get(str(row[0].value), row[2].value)
    path = tmp_path / 'form.xlsx'
    book.save(path)
    found = loading.load(path, SETTINGS).form
    assert isinstance(found, AdministratorRequest)
    assert (found.lists, found.role, found.may_post) == (
        (ADDRESS, OTHER),
        Role.moderator,
        True,
    )


def test_many_lists_in_a_row_of_a_table(tmp_path: Path) -> None:
    rows = list(csv.reader((EXAMPLES / 'administrator-request.csv').open()))
    rows[1][rows[0].index('lists')] = 'hqr-updates\nhqr-workgroup'
    path = tmp_path / 'form.csv'
    with path.open('w', newline='') as file:
        csv.writer(file).writerows(rows)
    found = loading.load(path, SETTINGS).form
    assert found.list_addresses == (ADDRESS, OTHER)


@given(st.recursive(st.none() | st.text() | st.integers(), st.lists, max_leaves=5))
def test_whatever_stands_for_lists_is_lists_or_a_mistake(lists: Any) -> None:
    try:
        found = form(lists=lists)
    except FormInvalid as invalid:
        assert all(error.field.startswith('lists') for error in invalid.errors)
    else:
        assert all(address.count('@') == 1 for address in found.lists)


def test_the_published_json_schema_is_current() -> None:
    path = Path(administrator_request.__file__).with_name(
        'administrator-request.schema.json'
    )
    assert path.read_text('utf-8') == administrator_request.json_schema_text(), (
        f'run: python -m qnet_mailman.forms.administrator_request > {path}'
    )


# What it does.


@pytest.fixture
def lists(core: SimpleNamespace) -> tuple[Any, Any]:
    """Two lists that Pat administers, one of them with Sam."""
    samples.grant_roles()
    one = samples.form()
    two = samples.form(
        ticket='REQ0001235',
        list__name='hqr-workgroup',
        administrators=[samples.GOOD['administrators'][0]],
    )
    for each in (one, two):
        assert apply_form(each, actor='x').outcome == 'created'
        sent()
    manager = getUtility(IListManager)
    return manager.get(ADDRESS), manager.get(OTHER)


def provision(*, approved: bool = False, dry_run: bool = False, **more: Any) -> Result:
    return apply_form(
        form(**more), actor='operator:test', approved=approved, dry_run=dry_run
    )


def assigned(mlist: Any) -> set[tuple[str, str, bool]]:
    return {(row.email, row.role, row.may_post) for row in assignments_of(mlist)}


def rows() -> list[str]:
    query = select(QNetForm.list_id).where(QNetForm.kind == 'administrator-request')
    return sorted(store().scalars(query))


def applied_lines() -> list[dict[str, Any]]:
    found = store().scalars(
        select(QNetAudit)
        .where(QNetAudit.action == 'form applied', QNetAudit.subject == GOOD['ticket'])
        .order_by(QNetAudit.id)
    )
    return [json.loads(row.detail) | {'list': row.list_id} for row in found]


def test_a_colleague_gets_all_lists_and_all_are_told(lists: Any) -> None:
    result = provision(reason='Kim takes over.')
    assert (result.outcome, result.errors) == ('changed', ())
    assert result.as_dict()['lists'] == [ADDRESS, OTHER]
    assert result.as_dict()['list'] == f'{ADDRESS}, {OTHER}'
    assert [str(step) for step in result.steps] == [
        f'{address}: add the administrator Kim Example <{KIM}>, with posting privileges'
        for address in (ADDRESS, OTHER)
    ]
    assert result.notes == (f'{KIM} waits for the HARP role List Administrator',)
    for mlist in lists:
        assert (KIM, 'administrator', True) in assigned(mlist)
        assert mlist.owners.get_member(KIM) is None, 'the role is not there yet'
    assert [(one['list'], 'approved_by' in one) for one in applied_lines()] == [
        (mlist.list_id, False) for mlist in lists
    ]
    notes = sent()
    assert set(notes) == {KIM, PAT, SAM}
    kim = notes[KIM].get_payload()
    for part in (
        'You are an administrator of\n',
        f'<{ADDRESS}>\n',
        f'<{OTHER}>\n',
        'Reason    Kim takes over.',
        '     Role:          List Administrator\n',
        'You have posting privileges',
    ):
        assert part in kim
    # Each hears of their own lists.
    assert OTHER in notes[PAT].get_payload().replace('\n    ', ' ')
    assert OTHER not in notes[SAM].get_payload().replace('\n    ', ' ')
    for note in notes.values():
        text = note.get_payload()
        assert 'help@example.gov' in text
        assert '$' not in text
        assert max(map(len, text.splitlines())) <= 80


def test_again_is_unchanged_whatever_has_happened_since(lists: Any) -> None:
    provision()
    sent()
    apply.unassign_person(lists[0], Role.administrator, KIM)
    config.db.commit()
    again = provision()
    assert (again.outcome, again.steps, sent()) == ('unchanged', (), {})
    assert (KIM, 'administrator', True) not in assigned(lists[0])
    assert provision(dry_run=True).outcome == 'unchanged'


def test_a_list_taken_out_of_the_form_is_taken_away(lists: Any) -> None:
    provision()
    sent()
    planned = provision(lists='hqr-updates', dry_run=True)
    assert [str(step) for step in planned.steps] == [
        f'{OTHER}: remove the administrator {KIM}'
    ]
    assert (KIM, 'administrator', True) in assigned(lists[1])
    assert provision(lists='hqr-updates').outcome == 'changed'
    assert (KIM, 'administrator', True) in assigned(lists[0])
    assert (KIM, 'administrator', True) not in assigned(lists[1])
    assert rows() == [lists[0].list_id]
    assert set(sent()) == {KIM, PAT}
    assert provision(lists='hqr-updates').outcome == 'unchanged'
    back = provision()
    assert [step.as_dict()['list'] for step in back.steps] == [OTHER]


def test_another_role_takes_the_place_of_the_first(lists: Any) -> None:
    provision()
    result = provision(role='moderator', may_post=False)
    assert len(result.steps) == 4
    assert {(KIM, 'moderator', False)} == {
        each for each in assigned(lists[0]) if each[0] == KIM
    }


def test_two_people_with_one_ticket_do_not_undo_each_other(lists: Any) -> None:
    provision()
    before = [assigned(mlist) for mlist in lists]
    (error,) = provision(person={'name': 'Lee', 'email': 'lee@example.gov'}).errors
    assert str(error) == (
        'ticket: found "REQ0003456", but that request is about Kim@agency.example.gov; '
        'expected another ticket for each person, or none'
    )
    assert [assigned(mlist) for mlist in lists] == before


def test_what_is_so_already_is_told_to_the_requester_only(lists: Any) -> None:
    provision()
    sent()
    result = provision(ticket='REQ9')
    assert (result.outcome, result.notes) == (
        'unchanged',
        ('the lists have it so already',),
    )
    assert set(sent()) == {PAT}


REFUSED = 'does not administer'


@pytest.mark.parametrize('who', ['rae@agency.example.gov', 'mo@example.org', SAM])
def test_who_does_not_administer_a_list_needs_an_operator(lists: Any, who: str) -> None:
    before = [assigned(mlist) for mlist in lists]
    requester = {'name': 'Somebody', 'email': who}
    for dry_run in (True, False):
        result = provision(requester=requester, dry_run=dry_run)
        assert result.outcome == 'invalid'
        # Sam administers the first of them.
        places = [error.field for error in result.errors]
        wanted = ['lists, 1st list', 'lists, 2nd list']
        assert places == (wanted[1:] if who == SAM else wanted)
        for error in result.errors:
            assert error.message.startswith(f'{who} does not administer ')
            assert error.message.endswith('with --approve')
    assert ([assigned(mlist) for mlist in lists], rows(), sent()) == (before, [], {})
    approved = provision(requester=requester, approved=True)
    assert approved.outcome == 'changed'
    assert 'the operator answers for it (--approve)' in approved.notes[0]
    assert {one['approved_by'] for one in applied_lines()} == {'operator:test'}
    assert {one['requester'] for one in applied_lines()} == {who}


def test_a_role_that_has_ended_asks_for_nothing(lists: Any) -> None:
    grants.revoke(Identity.of('pexample'), Role.administrator, 'Has moved on.')
    config.db.commit()
    assert len(provision().errors) == 2
    grants.approve(Identity.of('pexample'), Role.moderator, silent=True)
    config.db.commit()
    assert len(provision().errors) == 2, 'who only moderates asks for nothing either'


def test_taking_a_list_out_takes_authority_over_it(lists: Any) -> None:
    provision()
    result = provision(
        lists='hqr-updates', requester={'name': 'Sam Sample', 'email': SAM}
    )
    assert [str(error) for error in result.errors] == [
        'ticket: found "REQ0003456", which is the ticket of another request, of '
        'another person; expected a ticket of its own, or none',
        f'lists: {SAM} does not administer {OTHER} now; expected a request of one of '
        'its administrators (assigned, and with the HARP role List Administrator), or '
        'an operator who answers for it with --approve',
    ]


def test_lists_that_cannot_be_meant_are_told_all_at_once(lists: Any) -> None:
    create_list(f'stock@{DOMAIN}', style_name='legacy-default')
    closing.close(lists[1], Closing.archive, 'REQ1')
    config.db.commit()
    result = provision(lists=['hqr-update', 'stock', OTHER])
    assert [str(error) for error in result.errors] == [
        f'lists, 1st list: found "hqr-update@{DOMAIN}"; expected a list that exists '
        f'(did you mean {ADDRESS}?)',
        f'lists, 2nd list: the list stock@{DOMAIN} was made without a QualityNet '
        'style; expected another list',
        f'lists, 3rd list: the list {OTHER} is closed; expected one that is open (see '
        f'"mailman qnet show {OTHER}")',
    ]


def test_a_banned_person_is_refused(lists: Any) -> None:
    IBanManager(lists[1]).ban(KIM)
    config.db.commit()
    (error,) = provision().errors
    assert str(error).startswith(
        f'person, email: found "Kim@agency.example.gov", which is banned from {OTHER}'
    )


def test_a_failure_on_the_second_list_leaves_the_first_alone(
    lists: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = apply.assign_person

    def fail(mlist: Any, *args: Any) -> None:
        if mlist.fqdn_listname == OTHER:
            raise OSError('no space left on device')
        real(mlist, *args)

    before = [assigned(mlist) for mlist in lists]
    with monkeypatch.context() as patch:
        patch.setattr(apply, 'assign_person', fail)
        assert provision().outcome == 'failed'
    assert ([assigned(mlist) for mlist in lists], rows(), sent()) == (before, [], {})
    assert provision().outcome == 'changed'


def test_notices_that_were_not_sent_are_sent_the_next_time(
    lists: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise OSError('no space left on device')

    with monkeypatch.context() as patch:
        patch.setattr(notices, 'send_assignments', fail)
        assert 'were not sent' in provision().notes[-1]
    assert provision().outcome == 'unchanged'
    assert set(sent()) == {KIM, PAT, SAM}


def test_the_command(lists: Any, tmp_path: Path) -> None:
    path = tmp_path / 'form.json'
    path.write_text(json.dumps(data(requester={'name': 'R', 'email': SAM})), 'utf-8')

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(qnet, ['provision', *arguments, str(path)])
        return result.exit_code, result.output

    status, output = run()
    assert (status, '1 mistake; nothing was changed' in output) == (1, True)
    status, output = run('--approve', '--json')
    assert status == 0
    assert json.loads(output)['lists'] == [ADDRESS, OTHER]
