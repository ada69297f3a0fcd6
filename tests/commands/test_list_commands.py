# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet show`, `set`, `roles` and `audit` (R21, R25, R31)."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from mailman.app.lifecycle import create_list, remove_list
from mailman.interfaces.bans import IBanManager
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.listmanager import IListManager
from zope.component import getUtility

from qnet_mailman import __version__
from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.commands.qnet.audit import moment
from qnet_mailman.lists.description import describe
from qnet_mailman.model.lists import is_personal
from qnet_mailman.provisioning.apply import apply_form
from tests.expected import require_expected
from tests.provisioning.samples import ADDRESS, DOMAIN, LIST_ID, form, grant_roles


@pytest.fixture
def requested(core: SimpleNamespace) -> Any:
    """The list of a request form."""
    grant_roles()
    assert apply_form(form(), actor='operator:test').outcome == 'created'
    return getUtility(IListManager).get(ADDRESS)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(qnet, arguments)
    assert isinstance(result.exception, SystemExit | None), result.exc_info
    return result


def test_version() -> None:
    assert run('--version').output == f'qnet-mailer {__version__}\n'


@pytest.mark.parametrize('name', [ADDRESS, LIST_ID, ADDRESS.upper()])
def test_show(requested: Any, name: str) -> None:
    found = json.loads(run('show', name, '--json').output)
    assert found == describe(requested)
    assert found['administrators'] == [
        'pat@agency.example.gov',
        'sam@agency.example.gov',
    ]
    assert found['assignments'][1] == {
        'role': 'administrator',
        'name': 'Pat Example',
        'email': 'pat@agency.example.gov',
        'harp_id': 'pexample',
        'may_post': True,
        'effective': True,
        'right': 'administrator',
        'grant': 'active',
    }


def test_show_for_people(requested: Any) -> None:
    lines = run('show', ADDRESS).output.splitlines()
    assert 'type:                notification' in lines
    assert 'mask:                administrators' in lines
    assert 'window days:         7' in lines
    assert 'members:             2' in lines
    assert (
        'administrator:       Pat Example <pat@agency.example.gov>, HARP ID pexample, '
        'may post'
    ) in lines


@pytest.mark.parametrize('command', ['show', 'set', 'roles list'])
def test_no_such_list(requested: Any, command: str) -> None:
    more = ['mask=off'] if command == 'set' else []
    result = run(*command.split(), f'hqr-update@{DOMAIN}', *more)
    assert result.exit_code == 1
    assert result.stderr == (
        f'there is no list hqr-update@{DOMAIN}; did you mean {ADDRESS}?\n'
    )


def test_set_changes_and_tells_the_audit_log(requested: Any) -> None:
    result = run(
        'set',
        ADDRESS,
        'mask=everyone',
        'threshold=9',
        'window-days=30',
        'reply_to=answers@example.gov',
        'display_name=HQR News',
        'description=Other news.',
        'replies=reject',
    )
    assert result.exit_code == 0
    assert 'window-days: 7 -> 30\n' in result.output
    assert 'replies: unchanged ("reject")\n' in result.output
    found = describe(requested)
    assert (found['mask'], found['threshold'], found['window_days']) == (
        'everyone',
        9,
        30,
    )
    assert found['reply_to'] == 'answers@example.gov'
    assert found['display_name'] == 'HQR News'
    assert run('set', ADDRESS, 'reply_to=', 'mask=off').exit_code == 0
    assert describe(requested)['reply_to'] == ''
    rows = json.loads(run('audit', '--list', ADDRESS, '--json').output)
    changes = [row for row in rows if row['action'] == 'setting changed']
    assert len(changes) == 8
    assert changes[0]['subject'] == 'mask'
    assert changes[0]['detail'] == {'old': 'administrators', 'new': 'everyone'}
    assert changes[0]['actor'].startswith('operator')


def test_set_personalize(requested: Any) -> None:
    assert describe(requested)['personalize'] == 'on'
    result = run('set', ADDRESS, 'personalize=off')
    assert result.output == 'personalize: "on" -> "off"\n'
    assert describe(requested)['personalize'] == 'off'
    assert not is_personal(requested)
    assert run('set', ADDRESS, 'personalize=maybe').exit_code == 1
    assert run('set', ADDRESS, 'personalize=on').exit_code == 0
    assert is_personal(requested)


def test_set_is_all_or_nothing_and_tells_all_mistakes(requested: Any) -> None:
    before = describe(requested)
    result = run(
        'set',
        ADDRESS,
        'display_name=New',
        'mask=on',
        'threshold=0',
        'window-days=x',
        'replies=accept',
        'reply_to=x',
        'colour=red',
        'mask',
        'threshold=3',
    )
    assert result.exit_code == 1
    require_expected(result.stderr, __file__, 'mistakes-in-settings')
    assert describe(requested) == before


def test_replies_of_a_discussion_list(make_list: Any) -> None:
    mlist = make_list('discussion', 'private')
    assert run('set', mlist.fqdn_listname, 'replies=hold').exit_code == 0
    assert describe(mlist)['replies'] == 'hold'


def test_a_list_of_another_style_is_not_ours_to_set(core: SimpleNamespace) -> None:
    getUtility(IDomainManager).add(DOMAIN)
    create_list(f'plain@{DOMAIN}', style_name='legacy-default')
    core.config.db.commit()
    for arguments in (
        ('set', f'plain@{DOMAIN}', 'mask=off'),
        ('roles', 'assign', f'plain@{DOMAIN}', 'a@b.org', '--role', 'moderator'),
    ):
        result = run(*arguments)
        assert result.exit_code == 1
        assert 'without a QualityNet style' in result.stderr
    assert run('show', f'plain@{DOMAIN}').exit_code == 0


def test_roles(requested: Any) -> None:
    new = ('roles', 'assign', ADDRESS, 'Max@example.org', '--role', 'administrator')
    assert 'max@example.org is not assigned' in run(*new).stderr
    assert run(*new, '--name', 'Max').output == 'max@example.org: assigned\n'
    assert run(*new).output == 'max@example.org: unchanged\n'
    assert run(*new, '--may-post', '--harp-id', 'max1').exit_code == 0
    assert 'max@example.org' in describe(requested)['posters']
    (listed,) = [
        each
        for each in json.loads(run('roles', 'list', ADDRESS, '--json').output)
        if each['email'] == 'max@example.org'
    ]
    assert listed == {
        'list': LIST_ID,
        'role': 'administrator',
        'name': 'Max',
        'email': 'max@example.org',
        'harp_id': 'max1',
        'may_post': True,
        'effective': True,
        'right': 'administrator',
        'grant': 'active',
    }
    assert run(*new, '--no-post').exit_code == 0
    assert describe(requested)['posters'] == ['pat@agency.example.gov']
    assert (
        f'{LIST_ID}  administrator  Max <max@example.org>'
        in run('roles', 'list').output
    )
    gone = ('roles', 'unassign', ADDRESS, 'MAX@example.org', '--role', 'administrator')
    assert run(*gone).exit_code == 0
    assert 'max@example.org' not in describe(requested)['administrators']
    assert run(*gone).exit_code == 1


@pytest.mark.parametrize(
    ('email', 'name', 'message'),
    [
        ('nobody', 'x', 'EMAIL: found "nobody"; expected an e-mail address'),
        (ADDRESS, 'x', "EMAIL: found the list's own address"),
        ('a@example.org', 'x\ny', '--name: expected one line'),
        ('b@example.org', 'x', 'EMAIL: b@example.org is banned'),
    ],
)
def test_who_cannot_be_assigned(
    requested: Any, email: str, name: str, message: str
) -> None:
    IBanManager(requested).ban('b@example.org')
    result = run(
        'roles', 'assign', ADDRESS, email, '--role', 'moderator', '--name', name
    )
    assert result.exit_code == 1
    assert result.stderr.startswith(message)


def test_audit_of_one_list_even_when_it_is_gone(requested: Any) -> None:
    remove_list(requested)
    lines = run('audit', '--list', ADDRESS).output.splitlines()
    assert 'operator:test  list created' in lines[0]
    assert 'list deleted' in lines[-1]
    assert run('audit', '--list', f'other@{DOMAIN}').output == ''
    others = [line for line in run('audit').output.splitlines() if line not in lines]
    assert ['domain added' in line for line in others] == [True]


def test_audit_since(requested: Any) -> None:
    assert run('audit', '--since', '1h').output == run('audit').output
    assert run('audit', '--since', '2999-01-01').output == ''
    wrong = run('audit', '--since', 'yesterday')
    assert wrong.exit_code == 1
    assert '--since: found "yesterday"; expected a date such as' in wrong.stderr


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('2026-01-31', '2026-01-31T05:00:00'),
        ('2026-01-31T08:00', '2026-01-31T13:00:00'),
        ('2026-01-31T08:00Z', '2026-01-31T08:00:00'),
        ('2026-07-01 00:00+02:00', '2026-06-30T22:00:00'),
    ],
)
def test_moments_are_in_the_time_zone_of_the_site(
    configure: Any, text: str, expected: str
) -> None:
    configure(time_zone='America/New_York')
    assert moment(text).isoformat() == expected
