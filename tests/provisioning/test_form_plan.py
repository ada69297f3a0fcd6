# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans: comparisons of a form, its predecessor and the list as it is (R30)."""

from __future__ import annotations

from typing import Any

import pytest

from qnet_mailman.forms.schema import ListRequest
from qnet_mailman.provisioning import plan as provisioning_plan
from qnet_mailman.provisioning.looking import Running, Site
from qnet_mailman.provisioning.plan import Plan, PlanRefused, make_plan
from qnet_mailman.roles.people import Assignee, Role
from tests.provisioning.samples import ADDRESS, DOMAIN, REMOVE, data, form

PAT = (Role.administrator, 'pat@agency.example.gov')
SAM = (Role.administrator, 'sam@agency.example.gov')
MO = (Role.moderator, 'mo@example.org')


def running(applied: ListRequest | None = None, **changes: Any) -> Running:
    """A list as the good form made it."""
    start = applied or form()
    state: dict[str, Any] = {
        'list_type': 'notification',
        'visibility': 'public',
        'settings': provisioning_plan.wanted(start),
        'assignments': {
            PAT: Assignee(PAT[1], 'Pat Example', 'pexample', True),
            SAM: Assignee(SAM[1], 'Sam Sample'),
            MO: Assignee(MO[1], 'Mo Example'),
        },
        'members': frozenset({'reader@example.org', 'lee@example.org'}),
        'forms': {start.ticket: start},
        'is_authorized': True,
    }
    return Running(**{**state, **changes})


def plan(wanted: ListRequest, now: Running | None, site: Site | None = None) -> Plan:
    return make_plan(wanted, now, site or Site(), own_domain=DOMAIN)


def steps(found: Plan) -> list[str]:
    return [str(step) for step in found.steps]


def refusal(*args: Any, **kws: Any) -> list[tuple[Any, str]]:
    with pytest.raises(PlanRefused) as refused:
        plan(*args, **kws)
    return refused.value.problems


def test_a_new_list() -> None:
    found = plan(form(), None)
    assert found.creates
    assert steps(found) == [
        f'create the list {ADDRESS} in the style qnet-notification-public',
        'set display_name to "HQR Updates"',
        'set description to "News about hospital quality reporting."',
        'set mask to "administrators"',
        'set replies to "reject"',
        'set threshold to 5',
        'set window_days to 7',
        'add the administrator Pat Example <pat@agency.example.gov>, with posting '
        'privileges',
        'add the administrator Sam Sample <sam@agency.example.gov>, without posting '
        'privileges',
        'add the moderator Mo Example <mo@example.org>, without posting privileges',
        'subscribe Reader@example.org, lee@example.org',
    ]


def test_the_same_form_again_is_nothing_whatever_the_list_is_now() -> None:
    now = running(settings={}, assignments={}, members=frozenset())
    assert plan(form(), now) == Plan(recorded=True)


def test_only_differences_between_forms_are_applied() -> None:
    # An administrator has changed masking and the name since; a subscriber has left.
    settings = {
        **provisioning_plan.wanted(form()),
        'mask': 'off',
        'display_name': 'News',
    }
    now = running(settings=settings, members=frozenset({'lee@example.org'}))
    wanted = form(
        list__display_name='HQR News',
        list__bounces__threshold=9,
        administrators__1__may_post=True,
        moderators=[{'name': 'Max Example', 'email': 'max@example.org'}],
        subscribers=[*data()['subscribers'], {'email': 'new@example.org'}],
    )
    found = plan(wanted, now)
    assert not found.creates
    assert steps(found) == [
        'change display_name from "News" to "HQR News"',
        'change threshold from 5 to 9',
        'change the administrator Sam Sample <sam@agency.example.gov>: posting '
        'privileges from false to true',
        'add the moderator Max Example <max@example.org>, without posting privileges',
        'remove the moderator mo@example.org',
        'subscribe new@example.org',
    ]


def test_what_is_so_already_is_no_step() -> None:
    settings = {**provisioning_plan.wanted(form()), 'mask': 'everyone'}
    found = plan(form(list__mask='everyone'), running(settings=settings))
    assert found.steps == ()
    assert not found.recorded
    assert 'the list needs no change' in found.notes[0]


def test_who_is_taken_out_of_the_subscribers_stays() -> None:
    found = plan(form(subscribers=[{'email': 'lee@example.org'}]), running())
    assert found.steps == ()
    assert found.notes[0].startswith('reader@example.org no longer in the form')


def test_a_list_without_a_form_is_taken_over() -> None:
    now = running(
        forms={},
        settings={**provisioning_plan.wanted(form()), 'threshold': 3},
        assignments={PAT: Assignee(PAT[1], 'Pat Example', '', True)},
        members=frozenset({'reader@example.org'}),
    )
    found = plan(form(moderators=REMOVE), now)
    assert steps(found) == [
        'change threshold from 3 to 5',
        'change the administrator Pat Example <pat@agency.example.gov>: HARP ID from '
        '"" to "pexample"',
        'add the administrator Sam Sample <sam@agency.example.gov>, without posting '
        'privileges',
        'subscribe lee@example.org',
    ]


def test_many_subscribers_are_one_line() -> None:
    people = [{'email': f'p{number}@example.org'} for number in range(50)]
    assert steps(plan(form(subscribers=people), None))[-1] == (
        'subscribe 50 addresses (p0@example.org, p1@example.org, p2@example.org and 47 '
        'more)'
    )


def test_another_ticket_is_refused() -> None:
    assert refusal(form(ticket='REQ2'), running()) == [
        (
            ('ticket',),
            f'found "REQ2", but {ADDRESS} was made by the request REQ0001234; expected '
            'another list name, or that ticket or none, to change the list',
        )
    ]


def test_another_kind_is_refused() -> None:
    problems = refusal(
        form(list__type='discussion', list__visibility='private'), running(forms={})
    )
    assert [path for path, message in problems] == [
        ('list', 'type'),
        ('list', 'visibility'),
    ]
    assert problems[0][1] == (
        f'found discussion, but {ADDRESS} exists and is notification; the type of a '
        'list cannot be changed by a form'
    )
    assert refusal(form(list__visibility='private'), running())[0][0] == (
        'list',
        'visibility',
    )


def test_a_list_of_another_style_is_refused() -> None:
    ((path, message),) = refusal(form(), running(forms={}, list_type=None))
    assert path == ('list', 'name')
    assert 'without a QualityNet style' in message


def test_an_unknown_domain_is_refused() -> None:
    wanted = form(list__name='news@lists.exmaple.gov')
    assert refusal(wanted, None)[0][0] == ('list', 'name')
    assert plan(wanted, None, Site(domains=frozenset({'lists.exmaple.gov'}))).creates


def test_banned_subscribers_are_refused_unless_they_are_there() -> None:
    site = Site(banned=frozenset({'reader@example.org'}))
    assert refusal(form(), None, site)[0][0] == ('subscribers', 0, 'email')
    assert plan(form(list__mask='off'), running(members=frozenset()), site).steps


def test_addresses_of_lists_are_refused_unless_they_are_there() -> None:
    site = Site(list_addresses=frozenset({'lee@example.org'}))
    ((where, words),) = refusal(form(), None, site)
    assert where == ('subscribers', 1, 'email')
    assert 'the address of a list' in words
    assert plan(form(list__mask='off'), running(), site).steps


def test_a_ticket_that_made_another_list_is_noted() -> None:
    found = plan(form(), None, Site(other_lists=('other.example.org',)))
    assert any('has also made other.example.org' in note for note in found.notes)
