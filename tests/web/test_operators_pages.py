# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators look at first: what waits, health, the audit log (R25, R31)."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from qnet_mailman.web.operators import log as audit_log
from tests.web.caretakers import Answers, as_person
from tests.web.conftest import ADDRESS, LIST_ID, StubCore
from tests.web.test_review_pages import NUMBER, ROW, account, cells, operator, text_of

__all__ = ['account', 'as_person', 'operator']

LIST = {
    'list_id': LIST_ID,
    'list': ADDRESS,
    'display_name': 'HQR <Updates>',
    'assignments': [
        {
            'name': 'Rae',
            'email': 'rae@example.org',
            'role': 'administrator',
            'waits_for': 'waits for the HARP role (revoked)',
        },
        {'name': '', 'email': 'mo@example.org', 'role': 'moderator', 'waits_for': ''},
    ],
}
LINE = {
    'id': 7,
    'at': '2026-03-04T10:03:58Z',
    'actor': 'harp:boss',
    'action': 'setting changed',
    'list': LIST_ID,
    'subject': 'mask',
    'detail': {
        'new': '<b>off</b>',
        'old': '',
        'others': {'replies': 'hold', 'reply_to': ''},
        'despite': ['one', 'two'],
    },
}
AUTHOR = 'sam@agency.example.gov'
#: A masked post's line, and what it is where somebody looks at who sent it.
POST = LINE | {
    'id': 6,
    'actor': '',
    'action': 'post masked',
    'subject': '<x@lists.example.gov>',
    'detail': {},
}
HIDDEN = POST | {'hidden': True}
FINDINGS = [
    {'level': 'ok', 'subject': 'database', 'text': 'sqlite', 'remedy': ''},
    {'level': 'not seen', 'subject': 'web', 'text': 'it', 'remedy': ''},
    {
        'level': 'warning',
        'subject': 'door',
        'text': 'nothing shows it',
        'remedy': 'Try.',
    },
    {
        'level': 'error',
        'subject': 'queue shunt',
        'text': '2 messages need a look',
        'remedy': '',
    },
]


def rows(*entries: Any, total: int | None = None) -> tuple[int, Any]:
    size = len(entries) if total is None else total
    return 200, {'start': 0, 'total_size': size, 'entries': list(entries)}


def log(*entries: Any) -> tuple[int, Any]:
    return 200, {
        'entries': list(entries),
        'actions': ['post masked', 'setting changed'],
    }


def known(core: StubCore, **more: Any) -> StubCore:
    core.status = 404
    core.answers = Answers(
        {
            'forms': rows(ROW),
            'lists/unattended': rows(LIST),
            'health': (200, {'findings': FINDINGS}),
            'audit': log(LINE),
            'audit/senders': log(POST | {'actor': AUTHOR}),
        }
        | more
    )
    return core


def page(browser: Client, path: str = '/operators/') -> str:
    return text_of(browser.get(path, secure=True))


def section(text: str, name: str) -> str:
    return text.partition(f'aria-labelledby="{name}"')[2].partition('</section>')[0]


def test_all_at_a_glance(core: StubCore, operator: Client) -> None:
    known(core)
    text = page(operator)
    [request] = cells(section(text, 'waiting'))
    assert (request[0], request[-1]) == (NUMBER, '–')
    assert f'href="/requests/{NUMBER}/"' in text and '1 request, the oldest' in text
    assert cells(section(text, 'unattended')) == [
        [
            f'HQR &lt;Updates&gt; / {ADDRESS}',
            'Rae (administrator): waits for the HARP role (revoked) / '
            'mo@example.org (moderator)',
        ]
    ]
    assert cells(section(text, 'health')) == [
        ['queue shunt', 'Wrong', '2 messages need a look'],
        ['door', 'Look at it', 'nothing shows it / Try.'],
        ['web', 'Not looked at', 'it'],
        ['database', 'Good', 'sqlite'],
    ]
    assert cells(section(text, 'latest')) == [
        [
            'March 4, 2026, 10:03:58 UTC',
            'harp:boss',
            'Setting changed',
            LIST_ID,
            'mask',
            'new: &lt;b&gt;off&lt;/b&gt; / replies: hold / despite: one; two',
        ]
    ]
    assert len(core.asked) == 4 and not core.requests


def test_nothing_to_do(core: StubCore, operator: Client) -> None:
    empty = (200, {'start': 0, 'total_size': 0})
    well = (200, {'findings': FINDINGS[:2]})
    more = {'forms': empty, 'lists/unattended': empty, 'health': well}
    known(core, **more, audit=log())
    text = page(operator)
    for said in (
        'No request waits.',
        'Each list has an administrator.',
        'All that was looked at is well.',
        'There is nothing in the audit log.',
    ):
        assert said in text, said


def test_many_lists_lead_to_their_own_page(core: StubCore, operator: Client) -> None:
    known(core, **{'lists/unattended': rows(LIST, total=120)})
    assert '1 of <a href="/operators/unattended/">120 lists</a>' in page(operator)
    text = page(operator, '/operators/unattended/?page=2')
    assert '51–100 of 120 lists' in text and len(cells(text)) == 1
    assert 'page=2' in core.asked[-1] and 'count=50' in core.asked[-1]


def test_the_audit_log_goes_on_before_the_last_line(
    core: StubCore, operator: Client
) -> None:
    many = [LINE | {'id': number} for number in range(100, 49, -1)]
    known(core, audit=log(*many))
    text = page(operator, f'/operators/audit/?list={ADDRESS}&request=')
    assert parse_qs(urlsplit(core.asked[-1]).query) == {
        'list': [ADDRESS],
        'count': ['51'],
    }
    named = ADDRESS.replace('@', '%40')
    assert f'href="?list={named}&amp;before=51" rel="next">' in text
    assert len(cells(text)) == 50 and f'value="{ADDRESS}"' in text
    text = page(operator, f'/operators/audit/?list={ADDRESS}&before=51')
    assert 'before=51' in core.asked[-1]
    assert f'href="?list={named}">Newest lines' in text


@pytest.mark.parametrize('before', ['0', '-1', 'x', '9' * 99])
def test_before_no_line(core: StubCore, operator: Client, before: str) -> None:
    known(core)
    page(operator, f'/operators/audit/?before={before}')
    assert 'before' not in core.asked[-1]


def query(core: StubCore) -> dict[str, str]:
    found = parse_qs(urlsplit(core.asked[-1]).query)
    return {key: value for key, [value] in found.items() if key != 'count'}


def test_filters_go_to_core_and_stay_in_the_form(
    core: StubCore, operator: Client
) -> None:
    known(core)
    asked = 'person=harp%3Apexample&action=setting+changed&since=2026-03-04'
    text = page(operator, f'/operators/audit/?{asked}&until=2026-03-04')
    # Both days are in it.
    assert query(core) == {
        'person': 'harp:pexample',
        'action': 'setting changed',
        'since': '2026-03-04T00:00:00Z',
        'until': '2026-03-05T00:00:00Z',
    }
    assert '<option value="setting changed" selected>' in text
    assert 'value="harp:pexample"' in text and text.count('value="2026-03-04"') == 2
    more = f'{asked}&until=2026-03-04'.replace('&', '&amp;')
    for kind in ('csv', 'jsonl'):
        assert f'href="/operators/audit/export.{kind}?{more}"' in text
    # One question to core for a page, whatever is asked.
    assert len(core.asked) == 1


@pytest.mark.parametrize('day', ['tomorrow', '2026-02-30', '9999-12-31', '1' * 999])
def test_what_is_no_day_is_said(core: StubCore, operator: Client, day: str) -> None:
    known(core)
    text = page(operator, f'/operators/audit/?since={day}&until={day}')
    assert 'Not a day, and left out' in text and query(core) == {}


def test_senders_are_seen_by_a_button_alone(core: StubCore, operator: Client) -> None:
    known(core, audit=log(HIDDEN, LINE))
    path = f'/operators/audit/?list={ADDRESS}&before=9'
    text = page(operator, path)
    assert '(hidden)' in text and 'Show who sent these messages' in text
    fields = re.findall(r'type="hidden" name="(\w+)" value="(.*?)"', text)
    referer = {'referer': 'https://lists.example.gov/operators/audit/'}
    answer = operator.post(path, dict(fields), secure=True, headers=referer)
    text = text_of(answer)
    [(asked_at, asked, _)] = core.requests
    assert asked_at.endswith('/audit/senders')
    assert asked == {'list': [ADDRESS], 'before': ['9'], 'count': ['51']}
    assert AUTHOR in text and 'That you have looked is in the audit log' in text


def test_files_of_all_lines_that_were_asked_for(
    core: StubCore, operator: Client
) -> None:
    formula = LINE | {'subject': '=1+1', 'list': None, 'hidden': True}
    known(core, audit=log(LINE, formula))
    answer = operator.get('/operators/audit/export.csv?person=x', secure=True)
    assert answer['Content-Disposition'] == 'attachment; filename="audit.csv"'
    head, _, second = csv.reader(io.StringIO(answer.getvalue().decode()))
    assert (
        head[-1] == 'detail' and second[4] == "'=1+1" and query(core)['person'] == 'x'
    )
    answer = operator.get('/operators/audit/export.jsonl', secure=True)
    lines = [json.loads(each) for each in answer.getvalue().splitlines()]
    assert [each['subject'] for each in lines] == ['mask', '=1+1']
    assert operator.get('/operators/audit/export.xls', secure=True).status_code == 404


def test_a_file_goes_on_before_the_last_line(
    core: StubCore, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, 'BATCH', 2)
    known(core)

    class Pages(Answers):
        def get(self, key: str, default: Any = None) -> Any:
            if 'before=6' in key:
                return log(LINE | {'id': 5})
            return super().get(key, default)

    core.answers = Pages({'audit': log(LINE, HIDDEN)})
    answer = operator.get('/operators/audit/export.jsonl', secure=True)
    assert len(answer.getvalue().splitlines()) == 3 and len(core.asked) == 2


LIST_LOG = f'/mailman3/lists/{LIST_ID}/audit/'


def test_administrators_see_their_list_s_lines_alone(
    core: StubCore, as_person: Callable[..., Client]
) -> None:
    known(core, audit=log(HIDDEN))
    person = as_person(roles={'administrator'}, administers={LIST_ID})
    other = 'list=other@lists.example.gov'
    text = page(person, f'{LIST_LOG}?{other}&person=x')
    assert query(core) == {'list': LIST_ID, 'person': 'x'}
    assert f'href="{LIST_LOG}export.csv?person=x"' in text
    person.get(f'{LIST_LOG}export.csv?{other}', secure=True).getvalue()
    assert query(core) == {'list': LIST_ID}
    text = text_of(person.post(LIST_LOG, {'list': 'other'}, secure=True))
    assert core.requests[-1][1]['list'] == [LIST_ID] and AUTHOR in text
    assert core.actors[-1] == 'harp:pexample'


@pytest.mark.parametrize('path', [LIST_LOG, f'{LIST_LOG}export.csv'])
def test_nobody_else_s_list(
    core: StubCore, as_person: Callable[..., Client], path: str
) -> None:
    known(core)
    person = as_person(roles={'moderator', 'administrator'}, moderates={LIST_ID})
    assert person.get(path, secure=True).status_code == 403
    assert person.post(path, secure=True).status_code == 403
    assert not [each for each in core.asked if 'audit' in each]


@pytest.mark.parametrize('path', ['', 'unattended/', 'audit/', 'audit/export.csv'])
def test_nobody_else_sees_it(
    core: StubCore, as_person: Callable[..., Client], path: str
) -> None:
    known(core)
    person = as_person(roles={'administrator'}, administers={LIST_ID})
    assert person.get(f'/operators/{path}', secure=True).status_code == 403
    assert core.asked == []
