# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman create`: the site's default style, and what becomes of `-o OWNER` (R25)."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner
from mailman.commands.cli_lists import create
from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from zope.component import getUtility

from qnet_mailman.model.lists import row_of
from qnet_mailman.roles import grants
from qnet_mailman.roles.people import assignments_of
from qnet_mailman.roles.rights import Identity, Role
from tests.rest.client import ask

ADDRESS = 'fresh@lists.example.gov'
OWNER = 'owner@agency.example.gov'
STYLES = ('qnet-discussion-private', 'legacy-announce')


@pytest.fixture(params=STYLES)
def default_style(core: Any, request: pytest.FixtureRequest) -> Any:
    """What `[styles] default` of the site says."""
    config.push('default style', f'[styles]\ndefault: {request.param}\n')
    yield request.param
    config.pop('default style')


def made() -> Any:
    mlist = getUtility(IListManager).get(ADDRESS)
    assert mlist is not None
    return mlist


def create_it(*options: str) -> Any:
    done = CliRunner().invoke(create, ['-d', *options, ADDRESS])
    assert done.exit_code == 0, done.output
    return done


@pytest.mark.parametrize('door', ['command', 'REST'])
def test_without_a_style_the_sites_default_is_made(
    default_style: str, door: str
) -> None:
    if door == 'command':
        create_it()
    else:
        ask('POST', 'domains', {'mail_host': 'lists.example.gov'})
        answer = ask('POST', 'lists', {'fqdn_listname': ADDRESS})
        assert answer.status_code == 201
        assert ask('GET', 'lists/styles').json['default'] == default_style
    row = row_of(made())
    is_ours = default_style in STYLES[:1]
    assert (row is not None) == is_ours
    if row is not None:
        assert (row.list_type, row.visibility) == ('discussion', 'private')
    else:
        assert made().posting_pipeline == 'default-posting-pipeline'


def owners(mlist: Any) -> list[str]:
    return [address.email for address in mlist.owners.addresses]


def test_an_owner_of_ours_is_assigned_and_waits_for_the_role(core: Any) -> None:
    done = create_it('--style-name', STYLES[0], '-o', OWNER)
    assert f'{OWNER} is assigned as administrator, without posting' in done.stderr
    assert 'waits for the HARP role' in done.stderr
    assert owners(made()) == []
    [row] = assignments_of(made(), Role.administrator)
    assert (row.email, row.may_post) == (OWNER, False)
    grants.approve(Identity.of('oexample'), Role.administrator, email=OWNER)
    assert owners(made()) == [OWNER]


def test_one_who_has_the_role_is_administrator_at_once(core: Any) -> None:
    grants.approve(Identity.of('oexample'), Role.administrator, email=OWNER)
    config.db.commit()
    done = create_it('--style-name', STYLES[0], '-o', OWNER, '-o', 'second@example.org')
    assert 'waits' not in done.stderr.splitlines()[0]
    assert 'waits' in done.stderr.splitlines()[1]
    assert owners(made()) == [OWNER]


def test_an_owner_of_another_style_is_kept_without_a_word(core: Any) -> None:
    done = create_it('--style-name', 'legacy-default', '-o', OWNER)
    assert done.stderr == ''
    assert owners(made()) == [OWNER]
    assert assignments_of(made()) == []
