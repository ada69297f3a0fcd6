# SPDX-License-Identifier: GPL-3.0-or-later
"""A list as the form that makes it again (R29, R30)."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from mailman.app.lifecycle import create_list
from mailman.app.lifecycle import remove_list as remove
from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from sqlalchemy import delete
from zope.component import getUtility

from qnet_mailman import site, values
from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.forms import loading
from qnet_mailman.forms.schema import Document, ListRequest, validate
from qnet_mailman.lists import closing
from qnet_mailman.lists.description import describe
from qnet_mailman.lists.settings import change_setting, current
from qnet_mailman.model.base import store
from qnet_mailman.model.forms import QNetForm
from qnet_mailman.model.lists import QNetList
from qnet_mailman.model.people import QNetAssignment
from qnet_mailman.provisioning import export, plan
from qnet_mailman.provisioning.apply import apply_form
from qnet_mailman.roles.people import Assignee, assign, unassign
from qnet_mailman.roles.rights import Role
from qnet_mailman.values import Closing
from tests.effort import effort
from tests.examples import examples
from tests.helpers import subscribe
from tests.provisioning.samples import ADDRESS, DOMAIN, LIST_ID, data, form

APART = ('tickets', 'members')


def run(*arguments: Any) -> Result:
    result = CliRunner().invoke(qnet, [str(each) for each in arguments])
    assert isinstance(result.exception, SystemExit | None), result.exc_info
    return result


def the_list(address: str = ADDRESS) -> Any:
    return getUtility(IListManager).get(address)


def read_again(mlist: Any, file_format: str = 'yaml') -> ListRequest:
    """The form of a list, written and read."""
    content = export.FORMATS[file_format](export.form_of(mlist)).encode()
    (found,) = loading.load_content(f'form.{file_format}', content, site.settings())
    loaded = found.form
    assert isinstance(loaded, loading.Loaded), loaded
    assert isinstance(loaded.form, ListRequest)
    return loaded.form


def start_anew() -> None:
    """Remove every list, and what is known of forms and people."""
    config.db.abort()
    for mlist in list(getUtility(IListManager).mailing_lists):
        remove(mlist)
    for table in (QNetForm, QNetAssignment, QNetList):
        store().execute(delete(table))
    config.db.commit()


# ---------------------------------------------------------------- round trip

words = st.text(
    st.characters(categories=['L', 'N', 'P', 'S', 'Zs'], codec='utf-8'),
    min_size=1,
    max_size=40,
).map(lambda text: ' '.join(text.split()))
some_words = words.filter(bool) | st.sampled_from(
    ['yes', 'null', '~', '012', '1e3', '- a', '#', '"', "it's", 'a: b', '2026-01-02']
)
people = st.lists(
    st.builds(
        lambda number, name, harp_id, may_post: {
            'name': name,
            'email': f'Person{number}@example.org',
            'harp_id': harp_id,
            'may_post': may_post,
        },
        st.integers(0, 9),
        some_words,
        st.sampled_from(['', 'pexample', 'eua:ab12', '007']),
        st.booleans(),
    ),
    max_size=3,
    unique_by=lambda person: person['email'],
)
sections = st.builds(
    lambda kind, **rest: {**dict(zip(('type', 'replies'), kind, strict=True)), **rest},
    kind=st.sampled_from(
        [
            ('notification', 'reject'),
            *(('discussion', each) for each in ('accept', 'hold', 'reject')),
        ]
    ),
    name=st.just('hqr-updates'),
    display_name=some_words,
    description=some_words,
    visibility=st.sampled_from(['public', 'private']),
    mask=st.sampled_from(['administrators', 'everyone', 'off']),
    reply_to=st.sampled_from(['', 'answers@example.gov']),
    bounces=st.fixed_dictionaries(
        {'threshold': st.integers(1, 100), 'window_days': st.integers(1, 365)}
    ),
)
requests = st.builds(
    lambda section, administrators, moderators: validate(
        Document(
            data(list=section, administrators=administrators, moderators=moderators)
        ),
        default_domain=DOMAIN,
    ),
    sections,
    people.filter(bool),
    people,
)


@examples(few=5, many=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=requests)
def test_a_list_made_again(core: SimpleNamespace, wanted: ListRequest) -> None:
    start_anew()
    assert apply_form(wanted, actor='test').outcome == 'created'
    before = describe(the_list())
    again = read_again(the_list())
    assert read_again(the_list(), 'json') == again
    assert apply_form(again, actor='test', approved=True).outcome == 'unchanged'
    start_anew()
    assert apply_form(again, actor='test', approved=True).outcome == 'created'
    after = describe(the_list())
    assert {**after, 'members': 0} == {**before, 'members': 0}


@examples(few=5, many=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=requests, changed=requests)
def test_a_list_that_was_changed_since(
    core: SimpleNamespace, made: ListRequest, changed: ListRequest
) -> None:
    start_anew()
    apply_form(made, actor='test')
    mlist = the_list()
    for key, value in plan.wanted(changed).items():
        if key != 'replies' or changed.list.type == made.list.type:
            change_setting(mlist, key, current(mlist)[key], value)
    for person in made.administrators:
        unassign(mlist, Role.administrator, person.email)
    for person in changed.administrators:
        who = Assignee(person.email.lower(), person.name, person.harp_id)
        assign(mlist, Role.administrator, who)
    config.db.commit()
    before = describe(mlist)
    again = read_again(mlist)
    assert apply_form(again, actor='test', approved=True, dry_run=True).steps == ()
    assert apply_form(again, actor='test', approved=True).outcome == 'unchanged'
    assert describe(the_list()) == before


def test_subscribers_in_a_file_beside(core: SimpleNamespace, tmp_path: Path) -> None:
    apply_form(form(), actor='test')
    mlist = the_list()
    subscribe(mlist, 'later@example.net')
    config.db.commit()
    result = run('show', ADDRESS, '--form', '--subscribers', tmp_path / 'r.csv')
    assert result.exit_code == 0
    (tmp_path / 'form.yaml').write_text(result.stdout, encoding='utf-8')
    assert (tmp_path / 'r.csv').read_text(encoding='utf-8').splitlines() == [
        'email,name',
        'Reader@example.org,Robin Reader',
        'later@example.net,',
        'lee@example.org,',
    ]
    assert run('provision', '--approve', tmp_path).stdout.startswith(
        f'{tmp_path}/form.yaml: unchanged'
    )
    start_anew()
    assert run('provision', tmp_path).exit_code == 0
    reader = the_list().members.get_member('reader@example.org')
    assert reader.address.original_email == 'Reader@example.org'
    assert reader.display_name == 'Robin Reader'
    assert the_list().members.member_count == 3
    over = run('show', ADDRESS, '--form', '--subscribers', tmp_path / 'r.csv')
    assert (over.exit_code, over.stdout) == (1, '')
    assert 'File exists' in over.stderr


def test_a_list_that_no_form_made(make_list: Any) -> None:
    mlist = make_list('discussion', 'public')
    mlist.description = 'Talk'
    mlist.bounce_score_threshold = 1000
    config.db.commit()
    result = run('show', mlist.fqdn_listname, '--form')
    assert result.exit_code == 0
    comments = [line for line in result.stdout.splitlines() if line.startswith('#')]
    assert comments == [
        '# Not known; put in who answers for the list.',
        '# threshold is 1000, which no form can say.',
        '# The list has none; it needs at least one.',
        '# To be declared by the requester.',
    ]
    assert not read_again(mlist).ticket
    as_json = run('show', mlist.fqdn_listname, '--form', '--format', 'json')
    assert 'ticket' not in json.loads(as_json.stdout)
    assert run('show', mlist.fqdn_listname, '--form', '--json').stdout == as_json.stdout
    assert 'requester: Not known' in as_json.stderr


def test_what_is_to_be_filled_in_is_not_applied(make_list: Any, tmp_path: Path) -> None:
    mlist = make_list('discussion', 'public')
    mlist.display_name, mlist.description = 'Talk', 'Talk'
    config.db.commit()
    path = tmp_path / 'form.yaml'
    path.write_text(run('show', mlist.fqdn_listname, '--form').stdout, 'utf-8')
    refused = run('provision', path)
    assert refused.exit_code == 1
    found = [line for line in refused.stdout.splitlines() if 'filled in' in line]
    assert [line.partition(' Enter')[0] for line in found] == [
        '  line 5: Your e-mail address:',
        '  line 20: 1st administrator, E-mail address:',
    ]
    assert run('provision', '--dry-run', path).exit_code == 1
    assert mlist.owners.member_count == 0
    compared = run('provision', '--diff', path)
    assert compared.stdout.splitlines()[1:-1] == [
        f'  administrator {values.NOBODY}: nothing; the form has "Fill In"'
    ]


def test_a_person_without_a_name(core: SimpleNamespace, tmp_path: Path) -> None:
    apply_form(form(), actor='test')
    assign(the_list(), Role.moderator, Assignee('kim@example.org'))
    config.db.commit()
    path = tmp_path / 'form.yaml'
    path.write_text(run('show', ADDRESS, '--form').stdout, encoding='utf-8')
    assert run('provision', '--diff', path).exit_code == 0
    assert apply_form(read_again(the_list()), actor='test').steps == ()


def test_a_list_that_is_closed(core: SimpleNamespace) -> None:
    apply_form(form(), actor='test')
    closing.close(the_list(), Closing.archive, 'REQ1')
    config.db.commit()
    written = run('show', ADDRESS, '--form').stdout
    assert written.startswith('# Forms do not say it: closed (archive).\nform:')


def test_an_approver_where_the_site_requires_one(configure: Any) -> None:
    apply_form(form(), actor='test')
    configure(approver_required='yes')
    assert read_again(the_list()).approver is not None


def test_what_cannot_be_shown_as_a_form(core: SimpleNamespace, tmp_path: Path) -> None:
    apply_form(form(), actor='test')
    create_list(f'plain@{DOMAIN}', style_name='legacy-default')
    config.db.commit()
    plain = run('show', f'plain@{DOMAIN}', '--form')
    assert (plain.exit_code, plain.stdout) == (1, '')
    assert 'without a QualityNet style' in plain.stderr
    assert run('show', ADDRESS, '--format', 'json').exit_code == 1
    text = run('show', ADDRESS, '--form', '--subscribers', tmp_path / 'r.txt')
    assert (text.exit_code, text.stdout) == (1, '')


def test_what_a_list_is_called_cannot_leave_its_comment(make_list: Any) -> None:
    mlist = make_list()
    mlist.display_name = 'News\nticket: "X"'
    config.db.commit()
    written = export.form_of(mlist).as_yaml()
    assert 'display_name is "News' in written
    assert not read_again(mlist).ticket


def test_members_and_people_do_not_cost_statements(
    core: SimpleNamespace, tmp_path: Path
) -> None:
    counts = []
    for number, many in enumerate((2, 300)):
        readers = [{'email': f'r{n}@example.net'} for n in range(many)]
        moderators = [
            {'name': 'Mo', 'email': f'm{n}@example.net'} for n in range(many // 2)
        ]
        wanted = form(
            ticket=f'R{many}',
            list__name=f'list{number}',
            subscribers=readers,
            moderators=moderators,
        )
        assert apply_form(wanted, actor='test').outcome == 'created'
        config.db.store.expunge_all()
        address = f'list{number}@{DOMAIN}'
        with effort() as spent:
            file = tmp_path / f'{number}.csv'
            assert run('show', address, '--form', '--subscribers', file).exit_code == 0
            config.db.store.expunge_all()
            assert run('show', address).exit_code == 0
        counts.append(len(spent.statements))
        assert len(file.read_text(encoding='utf-8').splitlines()) == many + 1
    assert counts[0] == counts[1]


def test_names_of_lists_are_not_confused(core: SimpleNamespace) -> None:
    apply_form(form(), actor='test')
    assert read_again(the_list(LIST_ID)).list.name == ADDRESS
