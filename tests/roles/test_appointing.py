# SPDX-License-Identifier: GPL-3.0-or-later
"""Assigning a person by hand: the command line and REST do the same (R25)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from mailman.config import config
from mailman.interfaces.bans import IBanManager
from mailman.interfaces.listmanager import IListManager
from zope.component import getUtility

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.roles.people import assignments_of
from tests.rest.client import ask

PAT = 'pat@agency.example.gov'

Door = Callable[..., tuple[bool, str]]
"""Assigns an administrator; says whether that went well, and what was answered."""

pytestmark = pytest.mark.mlist(banned=['banned@example.org'])


def ban(email: str) -> None:
    (mlist,) = getUtility(IListManager)
    IBanManager(mlist).ban(email)
    config.db.commit()


def by_command(mlist: Any, email: str, **given: str) -> tuple[bool, str]:
    """At the command line."""
    options = ['--role', 'administrator']
    for key, value in given.items():
        if key == 'may_post':
            options.append('--may-post' if value == 'yes' else '--no-post')
        else:
            options += ['--' + key.replace('_', '-'), value]
    result = CliRunner().invoke(
        qnet, ['roles', 'assign', mlist.address, email, *options]
    )
    return result.exit_code == 0, result.output


def over_rest(mlist: Any, email: str, **given: str) -> tuple[bool, str]:
    """As the web side does."""
    answer = ask(
        'POST',
        'plugins/qnet/roles/assign',
        {'list': mlist.list_id, 'email': email, 'role': 'administrator', **given},
    )
    return answer.status_code == 200, answer.text


doors = pytest.mark.parametrize('door', [by_command, over_rest])


def assigned(mlist: Any) -> list[tuple[str, str, str, bool]]:
    return [
        (row.email, row.name, row.harp_id, row.may_post)
        for row in assignments_of(mlist)
    ]


@doors
def test_what_is_not_given_stays(plain_list: Any, door: Door) -> None:
    assert door(
        plain_list, PAT, name='Pat Example', harp_id='pexample', may_post='yes'
    )[0]
    assert assigned(plain_list) == [(PAT, 'Pat Example', 'pexample', True)]
    assert door(plain_list, 'Pat@agency.example.gov', harp_id='eua:pat')[0]
    assert assigned(plain_list) == [(PAT, 'Pat Example', 'eua:pat', True)]
    assert door(plain_list, PAT, may_post='no', harp_id='')[0]
    assert assigned(plain_list) == [(PAT, 'Pat Example', '', False)]


@doors
@pytest.mark.parametrize(
    ('email', 'given', 'said'),
    [
        (PAT, {}, 'is not assigned as administrator yet'),
        ('banned@example.org', {'name': 'B'}, 'is banned from this list or site'),
        ('{list}', {'name': 'List'}, "the list's own address"),
    ],
)
def test_who_does_not_fit(
    plain_list: Any, door: Door, email: str, given: dict[str, str], said: str
) -> None:
    went_well, answer = door(plain_list, email.format(list=plain_list.address), **given)
    assert not went_well
    assert said in answer
    assert assigned(plain_list) == []


@doors
def test_somebody_banned_since_can_still_be_changed(
    plain_list: Any, door: Door
) -> None:
    assert door(plain_list, PAT, name='Pat Example')[0]
    ban(PAT)
    assert door(plain_list, PAT, may_post='yes')[0]
    assert assigned(plain_list) == [(PAT, 'Pat Example', '', True)]
