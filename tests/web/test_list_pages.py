# SPDX-License-Identifier: GPL-3.0-or-later
"""The QualityNet page of a list (R4, R7, R21, R24, R25)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client, override_settings
from mailman.interfaces.member import DeliveryStatus

from qnet_mailman.bounces.reading.verdict import Kind, Reason
from qnet_mailman.model.bounces import State
from qnet_mailman.roles.overview import NO_GRANT
from qnet_mailman.roles.rights import Role, Status
from qnet_mailman.values import Mask, Replies
from qnet_mailman.web.lists import words
from tests.web.caretakers import (
    ABOUT,
    LIST_ID,
    administrator,
    as_person,
    known,
    moderator,
)
from tests.web.conftest import StubCore

__all__ = ['administrator', 'as_person', 'moderator']

PATH = f'/mailman3/lists/{LIST_ID}/qualitynet/'


def page(browser: Client, path: str = PATH, **more: Any) -> str:
    answer = browser.get(path, secure=True, **more)
    assert answer.status_code == 200, answer.content
    return plain(answer.content.decode())


def plain(text: str) -> str:
    return re.sub(r'\s+', ' ', text)


def test_what_administrators_see(core: StubCore, administrator: Client) -> None:
    known(core)
    with override_settings(SUPPORT_ADDRESS='help@example.gov'):
        text = page(administrator)
    assert core.asked == [f'/3.1/plugins/qnet/lists/{LIST_ID}'], 'one question'
    assert core.requests == []
    for words_shown in (
        'Discussion: members write to each other',
        'Private: an administrator approves who joins',
        '100 active',
        '1 suspended because of bounces',
        '2 with delivery turned off',
        '103 in all',
        '5 points: at this score',
        '7 days, today included',
        'Requests to join: 3',
        'Held messages: 2',
        '<li>pat@agency.example.gov</li>',
        'threshold-change form</a> to <a href="mailto:help@example.gov">',
        'mailto:help@example.gov',
    ):
        assert words_shown in text, words_shown
    assert f'href="/mailman3/lists/{LIST_ID}/subscription_requests"' in text
    assert f'href="/mailman3/lists/{LIST_ID}/held_messages"' in text


@pytest.mark.parametrize(
    ('until', 'action', 'words'),
    [
        ('2999-04-01T12:00:00Z', 'delete', 'After that it is deleted for good.'),
        ('2999-04-01T12:00:00Z', 'archive', 'After that it stays closed.'),
        ('2026-04-01T12:00:00Z', 'archive', 'It cannot be opened again.'),
    ],
)
def test_a_closed_list_says_so(
    core: StubCore, administrator: Client, until: str, action: str, words: str
) -> None:
    known(core)
    assert 'closed since' not in page(administrator)
    closed = {'action': action, 'since': '2026-03-02T12:00:00Z', 'undo_until': until}
    known(core, closed=closed)
    text = page(administrator)
    assert (
        'has been closed since March 2, 2026, 12:00 UTC: it takes no messages' in text
    )
    assert words in text
    assert ('can be opened again until' in text) == until.startswith('2999')


def test_how_everybodys_role_is(core: StubCore, administrator: Client) -> None:
    known(core)
    text = page(administrator)
    rows = {
        found[0]: re.sub(r'<[^>]+>', '|', found[1])
        for found in re.findall(r'<th scope="row">(\w+)</th>(.*?)</tr>', text)
    }
    for name, state in (
        ('Pat', 'Role active'),
        ('Rae', 'Role revoked'),
        ('Exo', 'Role expired'),
        ('Ned', 'Waiting: the person has not had the role yet'),
        ('Ask', 'Waiting: the role was asked for and is not approved yet'),
        ('Mod', 'may moderate, and not change settings'),
    ):
        assert state in rows[name], name
    assert 'Administrator, may post' in rows['Pat']


def test_the_page_is_in_postoriuss_navigation(
    core: StubCore, administrator: Client
) -> None:
    known(core)
    text = page(administrator)
    assert f'href="{PATH}" class="nav-link" aria-current="page"' in text
    assert f'href="/mailman3/lists/{LIST_ID}/bounces/"' in text
    # What only administrators have there.
    assert f'href="/mailman3/lists/{LIST_ID}/settings/"' in text
    assert f'href="/mailman3/lists/{LIST_ID}/members/member/"' in text
    assert text.count('<h1') == 1
    # The numbers beside the entries are not asked for again.
    assert len(core.asked) == 1


def test_moderators_see_it_without_forms(core: StubCore, moderator: Client) -> None:
    known(core)
    text = page(moderator)
    assert '<strong>Administrators.</strong> The sender is hidden' in text
    assert '<strong>Hold.</strong>' in text
    assert '<form' not in text
    assert f'href="/mailman3/lists/{LIST_ID}/settings/"' not in text
    answer = moderator.post(f'{PATH}mask', {'value': 'off'}, secure=True)
    assert answer.status_code == 403
    assert core.requests == []


def test_nobody_else_sees_it(core: StubCore, as_person: Any) -> None:
    known(core)
    stranger = Client(headers={'host': 'lists.example.gov'})
    elsewhere = as_person(roles={'administrator'}, administers={'x.example.gov'})
    for path in (PATH, f'/mailman3/lists/{LIST_ID}/bounces/'):
        assert elsewhere.get(path, secure=True).status_code == 403
    # Nobody is signed in here, whatever the session that is not there says.
    answer = stranger.get(PATH, secure=True)
    assert answer.status_code == 302
    assert '/accounts/login/' in answer['Location']
    assert core.asked == []


@pytest.mark.parametrize(
    ('setting', 'value'), [('mask', 'everyone'), ('replies', 'accept')]
)
def test_masking_and_replies_are_changed(
    core: StubCore, administrator: Client, setting: str, value: str
) -> None:
    known(core)
    path = f'{PATH}{setting}'
    text = page(administrator)
    assert f'action="{path}"' in text
    assert f'type="radio" name="value" value="{value}"' in text
    answer = administrator.post(path, {'value': value}, secure=True)
    assert (answer.status_code, answer['Location']) == (303, PATH)
    [(where, fields, _authorization)] = core.requests
    assert where == f'/3.1/plugins/qnet/lists/{LIST_ID}/settings'
    assert (fields, core.actors[-1]) == ({setting: [value]}, 'harp:pexample')
    assert 'changed: ' in page(administrator)


def test_what_is_chosen_is_ticked(core: StubCore, administrator: Client) -> None:
    known(core)
    ticked = re.findall(r'id="([\w-]+)"[^>]* checked>', page(administrator))
    assert ticked == ['mask-administrators', 'replies-hold']


@pytest.mark.parametrize('value', ['', 'king', '<b>'])
def test_a_value_that_there_is_not_is_not_sent(
    core: StubCore, administrator: Client, value: str
) -> None:
    known(core)
    administrator.post(f'{PATH}mask', {'value': value}, secure=True)
    assert core.requests == []
    assert 'this value is not possible' in page(administrator)


def test_what_core_refuses_is_said(core: StubCore, administrator: Client) -> None:
    known(core).answers[f'lists/{LIST_ID}/settings'] = (409, {})
    administrator.post(f'{PATH}mask', {'value': 'off'}, secure=True)
    assert 'this value is not possible' in page(administrator)


def test_other_settings_are_not_changed_here(
    core: StubCore, administrator: Client
) -> None:
    known(core)
    for setting in ('threshold', 'window_days', 'actor'):
        answer = administrator.post(f'{PATH}{setting}', {'value': '9'}, secure=True)
        assert answer.status_code == 404
    assert administrator.get(f'{PATH}mask', secure=True).status_code == 405
    assert core.requests == []


def test_a_form_needs_its_token(core: StubCore, administrator: Client) -> None:
    known(core)
    strict = Client(enforce_csrf_checks=True, headers={'host': 'lists.example.gov'})
    strict.cookies = administrator.cookies
    answer = strict.post(f'{PATH}mask', {'value': 'off'}, secure=True)
    assert answer.status_code == 403
    assert core.requests == []


def test_replies_of_a_notification_list_are_not_changed(
    core: StubCore, administrator: Client
) -> None:
    about = {**ABOUT, 'type': 'notification', 'replies': 'reject', 'posters': []}
    known(core).answers[f'lists/{LIST_ID}'] = (200, about)
    text = page(administrator)
    assert f'action="{PATH}replies"' not in text
    assert f'action="{PATH}mask"' in text
    assert 'No message reaches the subscribers' in text


@pytest.mark.parametrize('below', ['qualitynet/', 'bounces/', 'bounces/export.csv'])
def test_a_list_of_another_style_has_no_pages_of_ours(
    core: StubCore, operator: Client, below: str
) -> None:
    """R40: not even for operators."""
    path = f'/mailman3/lists/{LIST_ID}/{below}'
    for kind, status in (('discussion', 200), (None, 404)):
        known(core).answers['lists/overview'] = (200, {'lists': [{'type': kind}]})
        assert operator.get(path, secure=True).status_code == status


def test_operators_may_everything(core: StubCore, operator: Client) -> None:
    known(core)
    assert '<form' in page(operator)
    operator.post(f'{PATH}mask', {'value': 'off'}, secure=True)
    assert core.actors[-1] == 'local:boss'


def test_what_a_list_says_of_itself_is_not_markup(
    core: StubCore, administrator: Client
) -> None:
    about = {**ABOUT, 'description': '<script>x</script>', 'posters': ['<b>@x.org']}
    known(core).answers[f'lists/{LIST_ID}'] = (200, about)
    text = page(administrator)
    assert '<script>x' not in text
    assert '<b>@x' not in text


def test_a_list_that_there_is_not(core: StubCore, operator: Client) -> None:
    core.status = 404
    assert operator.get(PATH, secure=True).status_code == 404


def test_no_answer_of_core(core: StubCore, administrator: Client) -> None:
    core.status = 500
    answer = administrator.get(PATH, secure=True)
    assert answer.status_code == 503
    answer = administrator.post(f'{PATH}mask', {'value': 'off'}, secure=True)
    assert answer.status_code == 503
    assert 'We do not know whether your change was made' in answer.content.decode()


def test_the_page_holds_browsers_to_its_own_scripts_and_styles(
    core: StubCore, administrator: Client
) -> None:
    known(core)
    answer = administrator.get(PATH, secure=True)
    assert "script-src 'self'" in answer['Content-Security-Policy']
    assert 'no-store' in answer['Cache-Control']
    text = answer.content.decode()
    assert not re.search(r'<script(?![^>]*src=)|<style| style=| on\w+=', text)


def test_there_are_words_for_everything_that_core_says() -> None:
    bounces = [each for each in Reason if each.value in words.REASONS]
    # The others are no bounces: they get no row in the ledger.
    others = {Reason.sender_refused, *list(Reason)[-7:]}
    assert set(Reason) - set(bounces) == others
    assert set(words.KINDS) == {Kind.hard.value, Kind.soft.value}
    assert set(words.STATES) == {each.value for each in State}
    assert set(words.GRANTS) == {*(each.value for each in Status), NO_GRANT}
    assert set(words.MASKS) == {each.value for each in Mask}
    assert set(words.REPLIES) == {each.value for each in Replies}
    assert set(words.ROLES) == {each.value for each in Role}


def test_there_are_words_for_how_delivery_is() -> None:
    assert set(words.DELIVERY) == {each.name for each in DeliveryStatus}
