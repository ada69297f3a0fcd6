# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages where operators decide about request forms that came in (R25, R28)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from qnet_mailman.web.review import flows
from tests.web.caretakers import LIST_ID, Answers, as_person
from tests.web.conftest import ADDRESS, StubCore

__all__ = ['as_person']

NUMBER = 'QM-000002'
PATH = f'/requests/{NUMBER}/'
PAT, MALLORY = 'pat@agency.example.gov', 'mallory@evil.example'
WARNINGS = [
    f'{PAT} does not administer the list now',
    f'nothing shows that it comes from {MALLORY}: <b>no</b> trusted mail server',
    f'{MALLORY} sent it, but {PAT} is said to ask',
]
ROW: dict[str, Any] = {
    'number': NUMBER,
    'status': 'waiting',
    'received_at': '2026-03-04T10:03:58Z',
    'route': 'mail',
    'sender': PAT,
    'shown_by': 'dkim=pass (agency.example.gov)',
    'file': 'request.yaml',
    'kind': 'threshold-change',
    'list': ADDRESS,
    'ticket': 'REQ0002345',
    'desk_ticket': '',
    'requester': PAT,
    'mistakes': 0,
    'doubts': [],
    'decided_at': None,
    'decided_by': '',
    'reason': '',
}
ONE: dict[str, Any] = {
    **ROW,
    'form': {
        'form': 'threshold-change',
        'ticket': 'REQ0002345',
        'requester': {
            'name': 'Pat Example',
            'email': PAT,
            'organization': 'Example ADO',
        },
        'list': ADDRESS,
        'bounces': {'threshold': 8, 'window_days': 14},
        'reason': 'Their mail server moves.',
    },
    'outcome': {
        'ticket': 'REQ0002345',
        'list': ADDRESS,
        'lists': [ADDRESS],
        'result': 'planned',
        'changes': [
            {
                'what': 'set',
                'field': 'threshold',
                'old': 5,
                'new': 8,
                'text': 'change threshold from 5 to 8',
            }
        ],
        'notes': ['it was changed last week'],
        'errors': [],
    },
    'warnings': [],
}
FORGED = {'sender': MALLORY, 'shown_by': '', 'doubts': WARNINGS[1:]}
DECIDED = {
    'status': 'approved',
    'decided_at': '2026-03-05T08:00:00Z',
    'decided_by': 'REST: harp:other',
}
ERROR = {'line': 3, 'place': '', 'words': 'Name of the list: fill it in'}
MISTAKEN = {
    'form': None,
    'kind': '',
    'mistakes': 1,
    'outcome': {**ONE['outcome'], 'result': 'invalid', 'errors': [ERROR]},
}


@pytest.fixture(scope='module')
def account(web: Path) -> Iterator[Any]:
    """An operator's account; taking one away again is what is dear here."""
    from django.contrib.auth import get_user_model

    user = get_user_model().objects.create_superuser('boss', 'boss@example.org')
    yield user
    user.delete()


@pytest.fixture
def operator(account: Any) -> Client:
    """An operator's browser that must pass the CSRF check, as real ones."""
    browser = Client(enforce_csrf_checks=True, headers={'host': 'lists.example.gov'})
    browser.force_login(account, 'django.contrib.auth.backends.ModelBackend')
    return browser


def known(core: StubCore, **more: Any) -> StubCore:
    """A core with one request, and what it says of its decisions."""
    core.status = 404
    outcome = {**ONE['outcome'], 'result': 'changed'}
    core.answers = Answers(
        {
            'forms': (200, {'start': 0, 'total_size': 1, 'entries': [ROW | more]}),
            f'forms/{NUMBER}': (200, ONE | more),
            f'forms/{NUMBER}/approve': (
                200,
                {**ROW, 'status': 'approved', 'outcome': outcome},
            ),
            f'forms/{NUMBER}/return': (200, {**ROW, 'status': 'returned'}),
        }
    )
    return core


def text_of(answer: Any, status: int = 200) -> str:
    """A page, in one line."""
    assert answer.status_code == status, answer.content
    assert 'no-store' in answer['Cache-Control']
    return re.sub(r'\s+', ' ', answer.content.decode())


def page(browser: Client, path: str = PATH, status: int = 200) -> str:
    return text_of(browser.get(path, secure=True), status)


def press(browser: Client, core: StubCore, **fields: Any) -> Any:
    """Open the page, and press one of its buttons; core's log has the second alone."""
    [token, *_] = re.findall(r'csrfmiddlewaretoken" value="(\w+)"', page(browser))
    core.asked.clear()
    return browser.post(
        PATH,
        {'csrfmiddlewaretoken': token, **fields},
        secure=True,
        headers={'referer': f'https://lists.example.gov{PATH}'},
    )


def decisions(core: StubCore) -> list[tuple[str, dict[str, list[str]]]]:
    """What core was told to do."""
    start = f'/3.1/plugins/qnet/forms/{NUMBER}/'
    return [(path.removeprefix(start), fields) for path, fields, _ in core.requests]


def cells(text: str) -> list[list[str]]:
    """The rows of the table, without markup."""
    body = text.partition('<tbody>')[2].partition('</tbody>')[0]
    return [
        [
            re.sub(r'<[^>]+>', '', cell.replace('<br>', ' / ')).strip()
            for cell in re.findall(r'<t[hd].*?>(.*?)</t[hd]>', row)
        ]
        for row in re.findall(r'<tr>(.*?)</tr>', body)
    ]


def test_the_list_says_who_sent_what_and_by_what_they_are_shown(
    core: StubCore, operator: Client
) -> None:
    known(core)
    rows = [
        ROW,
        {**ROW, **FORGED, 'number': 'QM-000003'},
        {**ROW, 'route': 'REST', 'sender': '', 'shown_by': '', 'status': 'applying'},
        {**ROW, 'sender': '', 'shown_by': '', 'kind': '', 'list': '', 'mistakes': 14},
    ]
    core.answers['forms'] = (200, {'start': 0, 'total_size': 4, 'entries': rows})
    text = page(operator, '/requests/')
    came, title = 'March 4, 2026, 10:03 UTC', 'Another bounce threshold'
    shown = f'{PAT} / Shown by dkim=pass (agency.example.gov)'
    forged = (
        f'{MALLORY} / Not shown: nothing says that it is from them / Not the '
        f'requester, {PAT}'
    )
    by_rest = 'Nobody by mail: it was handed in (REST)'
    unknown = 'Not known: From names nobody, or several'
    assert [cell for row in cells(text) for cell in row] == [
        *(NUMBER, came, shown, '0', title, ADDRESS, 'Valid'),
        *('QM-000003', came, forged, '2', title, ADDRESS, 'Valid'),
        *(NUMBER, came, by_rest, '0', title, ADDRESS, 'Begun to be applied'),
        *(NUMBER, came, unknown, '0', 'It cannot be read', '–', '14 mistakes'),
    ]
    assert '1–4 of 4 requests, the oldest first' in text
    assert f'<a href="{PATH}">' in text
    assert core.asked == ['/3.1/plugins/qnet/forms?count=50&page=1']


def test_its_pages_and_those_that_were_decided(
    core: StubCore, operator: Client
) -> None:
    entries = [ROW | DECIDED] * 50
    answer = {'start': 50, 'total_size': 120, 'entries': entries}
    known(core).answers['forms'] = (200, answer)
    text = page(operator, '/requests/?status=approved&page=2')
    [asked] = core.asked
    assert parse_qs(urlsplit(asked).query) == {
        'status': ['approved'],
        'count': ['50'],
        'page': ['2'],
    }
    assert '51–100 of 120 requests' in text and 'Page 2 of 3' in text
    for number, rel in ((1, 'prev'), (3, 'next')):
        assert f'href="?status=approved&amp;page={number}" rel="{rel}"' in text
    assert cells(text)[0][-1] == 'March 5, 2026, 08:00 UTC by REST: harp:other'
    # The last one of the last page was decided meanwhile.
    answer = operator.get('/requests/?page=7', secure=True)
    assert (answer.status_code, answer['Location']) == (302, '/requests/?page=3')


@pytest.mark.parametrize(
    'query', ['status=x', 'status=applying', 'page=0', 'page=-1', 'page=' + '9' * 99]
)
def test_what_no_link_leads_to_is_the_first_page(
    core: StubCore, operator: Client, query: str
) -> None:
    known(core)
    page(operator, f'/requests/?{query}')
    assert core.asked == ['/3.1/plugins/qnet/forms?count=50&page=1']


def test_nothing_waits(core: StubCore, operator: Client) -> None:
    known(core).answers['forms'] = (200, {'start': 0, 'total_size': 0})
    assert 'No request waits.' in page(operator, '/requests/')
    assert 'No request was returned.' in page(operator, '/requests/?status=returned')


def test_a_request_that_nothing_speaks_against_is_approved(
    core: StubCore, operator: Client
) -> None:
    known(core)
    text = page(operator)
    assert f'{PAT}<br>Shown by dkim=pass (agency.example.gov)' in text
    assert 'Not the requester' not in text and 'despite' not in text
    assert '<li>change threshold from 5 to 8</li>' in text
    assert 'Note: it was changed last week' in text
    assert 'threshold: 8' in text
    assert core.asked == [f'/3.1/plugins/qnet/forms/{NUMBER}']
    answer = press(operator, core, decision='approve')
    assert (answer.status_code, answer['Location']) == (302, PATH)
    assert core.asked == [f'/3.1/plugins/qnet/forms/{NUMBER}']
    assert decisions(core) == [('approve', {})]
    assert core.actors[-2:] == ['local:boss'] * 2
    assert f'Approved. Changed: {ADDRESS}.' in page(operator)


def test_the_service_desks_number_is_linked(core: StubCore, operator: Client) -> None:
    known(core)
    press(operator, core, decision='approve', ticket='REQ 1')
    assert not decisions(core)
    press(operator, core, decision='approve', ticket=' REQ0001234 ')
    # Also once it is decided.
    linked = ONE | DECIDED | {'desk_ticket': 'REQ0001234'}
    core.answers[f'forms/{NUMBER}'] = (200, linked)
    core.answers[f'forms/{NUMBER}/link'] = (200, {**ROW, **DECIDED})
    press(operator, core, decision='link', ticket='REQ0001235')
    assert decisions(core) == [
        ('approve', {'ticket': ['REQ0001234']}),
        ('link', {'ticket': ['REQ0001235']}),
    ]
    text = page(operator)
    assert '<dd>REQ0001234</dd>' in text and 'The ticket is linked.' in text


def test_the_audit_log_has_who_signed_in(
    core: StubCore, as_person: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    from qnet_mailman.web.gate.access import Access

    known(core)
    browser = as_person()
    monkeypatch.setattr(Access, 'is_operator', True)
    press(browser, core, decision='approve')
    assert decisions(core) == [('approve', {})]
    assert core.actors[-1] == 'harp:pexample'


def test_the_warnings_stand_above_the_buttons(core: StubCore, operator: Client) -> None:
    known(core, **FORGED, warnings=WARNINGS)
    text = page(operator)
    box = text.partition('role="alert" id="warnings"')[2].partition('</div>')[0]
    assert len(re.findall('<li>', box)) == 3
    assert '&lt;b&gt;no&lt;/b&gt; trusted' in box and '<b>' not in box
    assert text.index('id="warnings"') < text.index('value="approve"')
    assert 'class="qnet-ill">Not shown' in text
    assert f'Not the requester, {PAT}' in text
    assert '<a href="#warnings">with 3 warnings</a>' in text


@pytest.mark.parametrize(
    'fields',
    [
        {},
        {'seen': WARNINGS},
        {'despite_warnings': 'yes'},
        {'despite_warnings': 'yes', 'seen': WARNINGS[1:]},
        {'despite_warnings': 'no', 'seen': WARNINGS},
    ],
)
def test_without_the_tick_or_the_warnings_it_names_nothing_happens(
    core: StubCore, operator: Client, fields: dict[str, Any]
) -> None:
    known(core, **FORGED, warnings=WARNINGS)
    text = text_of(press(operator, core, decision='approve', **fields), 400)
    assert flows.WARNED in text
    assert text.index('id="problem"') < text.index('id="warnings"')
    assert decisions(core) == []
    assert len(core.asked) == 1


def test_despite_the_warnings(core: StubCore, operator: Client) -> None:
    known(core, **FORGED, warnings=WARNINGS)
    answer = press(
        *(operator, core), decision='approve', despite_warnings='yes', seen=WARNINGS
    )
    assert answer.status_code == 302
    told = {'despite_warnings': ['yes']}
    assert decisions(core) == [('approve', told)]


def test_a_new_list_in_anybodys_name_has_doubts_and_no_tick(
    core: StubCore, operator: Client
) -> None:
    known(core, **FORGED, kind='list-request')
    text = page(operator)
    box = text.partition('Doubts about the sender')[2].partition('</div>')[0]
    assert f'{MALLORY} sent it, but' in box
    assert 'despite' not in text


def test_a_form_with_mistakes_is_returned(core: StubCore, operator: Client) -> None:
    known(core, **MISTAKEN)
    text = page(operator)
    assert '<li>line 3: Name of the list: fill it in</li>' in text
    assert 'value="approve"' not in text and 'cannot be approved' in text
    answer = press(operator, core, decision='return', reason='')
    assert answer.status_code == 302
    told = {'reason': ['']}
    assert decisions(core) == [('return', told)]
    assert 'Returned to who sent it.' in page(operator)


def test_a_form_without_mistakes_is_returned_with_a_reason(
    core: StubCore, operator: Client
) -> None:
    known(core)
    text = text_of(press(operator, core, decision='return', reason=' \n'), 400)
    assert flows.REASON in text and decisions(core) == []
    press(operator, core, decision='return', reason='It is <not> you.\n')
    told = {'reason': ['It is <not> you.']}
    assert decisions(core) == [('return', told)]
    # One that core does not take is still there to be mended.
    core.answers[f'forms/{NUMBER}/return'] = (400, {})
    answer = press(operator, core, decision='return', reason='It is <not> me.')
    text = text_of(answer, 400)
    assert flows.REASON in text and '>It is &lt;not&gt; me.</textarea>' in text


@pytest.mark.parametrize('decision', ['approve', 'return'])
def test_somebody_else_was_faster(
    core: StubCore, operator: Client, decision: str
) -> None:
    known(core)
    core.answers[f'forms/{NUMBER}/{decision}'] = (409, {'title': '409 Conflict'})
    press(operator, core, decision=decision, reason='No.')
    assert len(decisions(core)) == 1
    core.answers[f'forms/{NUMBER}'] = (200, ONE | DECIDED)
    text = page(operator)
    assert flows.OVERTAKEN in text
    assert 'Approved by REST: harp:other on March 5, 2026, 08:00 UTC' in text
    assert 'value="approve"' not in text and 'value="return"' not in text


@pytest.mark.parametrize('result', ['invalid', 'failed'])
def test_what_could_not_be_applied_still_waits(
    core: StubCore, operator: Client, result: str
) -> None:
    known(core)
    outcome = {**ONE['outcome'], 'result': result}
    core.answers[f'forms/{NUMBER}/approve'] = (200, {**ROW, 'outcome': outcome})
    press(operator, core, decision='approve')
    assert flows.STILL_WAITS[result] in page(operator)


def test_core_cannot_look_at_the_lists_just_now(
    core: StubCore, operator: Client
) -> None:
    error = {'line': None, 'place': '', 'words': 'the disk is full'}
    outcome = {**ONE['outcome'], 'result': 'failed', 'errors': [error]}
    known(core, outcome=outcome)
    text = page(operator)
    assert '<li>the disk is full</li>' in text and 'value="approve"' in text


def test_one_that_was_begun_is_approved_again_and_not_returned(
    core: StubCore, operator: Client
) -> None:
    known(core, status='applying', decided_by='REST: harp:other')
    text = page(operator)
    assert 'REST: harp:other began to apply it' in text
    assert 'value="approve"' in text and 'value="return"' not in text


def test_one_whose_file_is_not_kept_any_more(core: StubCore, operator: Client) -> None:
    known(core)
    gone = {**ROW, **DECIDED, 'form': None, 'problem': 'its file is not kept any more'}
    core.answers[f'forms/{NUMBER}'] = (200, gone)
    text = page(operator)
    assert 'its file is not kept any more' in text
    assert 'value="approve"' not in text and 'value="return"' not in text


@pytest.mark.parametrize('decision', ['', 'apply', '../3/approve'])
def test_another_decision_is_none(
    core: StubCore, operator: Client, decision: str
) -> None:
    known(core)
    assert flows.NO_CHOICE in text_of(press(operator, core, decision=decision), 400)
    assert decisions(core) == []


def test_a_page_of_another_site_decides_nothing(
    core: StubCore, operator: Client
) -> None:
    known(core)
    answer = operator.post(PATH, {'decision': 'approve'}, secure=True)
    assert answer.status_code == 403
    assert (core.asked, core.requests) == ([], [])


def test_administrators_of_lists_are_no_operators(
    core: StubCore, as_person: Callable[..., Client]
) -> None:
    known(core)
    browser = as_person(roles={'administrator'}, administers={LIST_ID})
    for path in ('/requests/', PATH):
        assert 'This page is for operators' in page(browser, path, 403)
    answer = browser.post(PATH, {'decision': 'approve'}, secure=True)
    assert answer.status_code == 403
    assert (core.asked, core.requests) == ([], [])


@pytest.mark.parametrize('path', ['/requests/', PATH])
def test_core_is_away(core: StubCore, operator: Client, path: str) -> None:
    core.status = 503
    text = page(operator, path, 503)
    assert 'did not answer' in text and 'change was made' not in text


def test_core_goes_while_it_decides(core: StubCore, operator: Client) -> None:
    known(core)
    core.answers[f'forms/{NUMBER}/approve'] = (503, None)
    text = text_of(press(operator, core, decision='approve'), 503)
    assert 'We do not know whether your change was made.' in text


def test_no_such_request(core: StubCore, operator: Client) -> None:
    known(core)
    assert operator.get('/requests/QM-000009/', secure=True).status_code == 404
    core.asked.clear()
    for name in ('apply', 'empty', '2abc', '1' * 11, 'QM-', 'qm-2'):
        assert operator.get(f'/requests/{name}/', secure=True).status_code == 404
    assert core.asked == []


def test_a_form_with_many_people_is_cut(core: StubCore, operator: Client) -> None:
    people = [{'email': f'p{number}@example.org'} for number in range(5000)]
    known(core, form={**ONE['form'], 'subscribers': people})
    text = page(operator)
    assert 'p99@example.org' in text and 'p100@example.org' not in text
