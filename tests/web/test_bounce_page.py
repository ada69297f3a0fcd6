# SPDX-License-Identifier: GPL-3.0-or-later
"""The bounce page of a list: chart, table, download, a member (R16-R22)."""

from __future__ import annotations

import csv
import io
import re
import xml.etree.ElementTree as ElementTree
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.test import Client, override_settings

from qnet_mailman.web.lists import export
from qnet_mailman.web.lists.chart import draw
from qnet_mailman.web.lists.table import Asked, columns, pages
from tests.web.caretakers import (
    BOUNCING,
    DAYS,
    HEADING,
    LIST_ID,
    MEMBER_ID,
    ONE,
    OTHER_ID,
    SUSPENDED,
    TABLE,
    administrator,
    as_person,
    asked,
    known,
    moderator,
)
from tests.web.conftest import StubCore

__all__ = ['administrator', 'as_person', 'moderator']

PATH = f'/mailman3/lists/{LIST_ID}/bounces/'
MEMBERS = f'lists/{LIST_ID}/bounces/members'


def page(browser: Client, path: str = PATH) -> str:
    answer = browser.get(path, secure=True)
    assert answer.status_code == 200, answer.content
    return re.sub(r'\s+', ' ', answer.content.decode())


def body_rows(text: str) -> list[list[str]]:
    """The cells of the rows of the table of members, without markup."""
    table = text.rpartition('<tbody>')[2].partition('</tbody>')[0]
    return [
        [
            re.sub(r'<[^>]+>', '', cell).strip()
            for cell in re.findall(r'<t[hd].*?>(.*?)</t[hd]>', row)
        ]
        for row in re.findall(r'<tr>(.*?)</tr>', table)
    ]


# ------------------------------------------------------------------- the table


def test_a_row_for_each_member(core: StubCore, administrator: Client) -> None:
    known(core)
    text = page(administrator)
    assert len(core.asked) == 1, 'one question'
    assert [row[:6] for row in body_rows(text)] == [
        [
            'full@example.net',
            '5.5 of 5',
            'Hard bounce: address unknown',
            'March 4, 2026',
            'Stopped because of bounces',
            '21 (March 26, 2026)',
        ],
        [
            'some@example.net',
            '0.5 of 5',
            'Soft bounce: mailbox full',
            'March 3, 2026',
            'On',
            '–',
        ],
    ]
    assert '1–2 of 2 members' in text
    assert f'href="{PATH}{MEMBER_ID}/"' in text
    # Only who is suspended can be given mail again.
    assert f'action="{PATH}{MEMBER_ID}/enable"' in text
    assert f'action="{PATH}{OTHER_ID}/enable"' not in text


def test_what_is_asked_of_core(core: StubCore, administrator: Client) -> None:
    known(core)
    page(administrator, f'{PATH}?text=Net&kind=soft&suspended=yes&sort=score&page=3')
    assert asked(core) == {
        'text': 'Net',
        'kind': 'soft',
        'suspended': 'yes',
        'sort': 'score',
        'descending': 'no',
        'count': '50',
        'page': '3',
        'days': '30',
    }


def test_what_was_chosen_is_in_the_form(core: StubCore, administrator: Client) -> None:
    known(core)
    link = '?text=%22%3E&kind=soft&suspended=yes&sort=score&order=down'
    text = page(administrator, PATH + link)
    assert 'name="text" value="&quot;&gt;"' in text
    assert '<option value="soft" selected>' in text
    assert re.search(r'name="suspended" value="yes" checked', text)
    assert '<input type="hidden" name="sort" value="score">' in text
    assert '<input type="hidden" name="order" value="down">' in text


@pytest.mark.parametrize(
    'written',
    [
        'kind=warm&sort=colour&order=up&suspended=x&page=0',
        'page=-1',
        'page=1e3',
        'page=%D9%A3',
        'page=',
        'text=%00+',
    ],
)
def test_nonsense_asks_for_the_first_page(written: str) -> None:
    fields = {key: value for key, [value] in parse_qs(written).items()}
    assert Asked.in_address(fields) == Asked()


def test_a_page_far_away_is_not_asked_for() -> None:
    assert Asked.in_address({'page': '9' * 40}).page == 10_000


def test_headers_say_and_turn_round_the_order(
    core: StubCore, administrator: Client
) -> None:
    known(core)
    text = page(administrator, f'{PATH}?sort=score&order=down&text=net&page=2')
    headers = re.findall(r'<th scope="col" aria-sort="(\w+)"><a href="([^"]+)">', text)
    assert [order for order, _link in headers] == [
        'none',
        'descending',
        'none',
        'none',
        'none',
        'none',
    ]
    assert headers[1][1] == '?text=net&amp;sort=score', 'upwards, from the first page'
    assert headers[0][1] == '?text=net'


def test_a_link_means_what_it_was_made_from() -> None:
    wanted = Asked('a+b@c d', 'hard', True, 'removal', True, 7)
    fields = {key: value for key, [value] in parse_qs(wanted.link[1:]).items()}
    assert Asked.in_address(fields) == wanted
    assert Asked().link == '?'


def test_a_first_press_sorts_the_way_that_helps() -> None:
    links = {each.label: each.link for each in columns(Asked())}
    assert links['Score'] == '?sort=score&order=down'
    assert links['Days until removal'] == '?sort=removal'
    assert links['Address'] == '?order=down'


@pytest.mark.parametrize(
    ('number', 'total', 'expected'),
    [
        (1, 0, (1, 1, 0, False, False)),
        (1, 50, (1, 1, 50, False, False)),
        (1, 51, (2, 1, 50, False, True)),
        (2, 51, (2, 51, 51, True, False)),
        (9, 51, (2, 401, 51, True, False)),
    ],
)
def test_pages_of_fifty(
    number: int, total: int, expected: tuple[int, int, int, bool, bool]
) -> None:
    found = pages(Asked(page=number), total)
    assert (
        found.of,
        found.first,
        found.last,
        bool(found.before),
        bool(found.after),
    ) == expected
    if number == 9:
        assert found.before == '?page=2', 'the last one that there is'


def test_pages_have_links(core: StubCore, administrator: Client) -> None:
    known(core).answers[MEMBERS] = (200, {**TABLE, 'total_size': 151})
    text = page(administrator, f'{PATH}?kind=hard&page=2')
    assert 'href="?kind=hard" rel="prev"' in text
    assert 'href="?kind=hard&amp;page=3" rel="next"' in text
    assert 'Page 2 of 4' in text
    assert 'Download all 151 as CSV' in text


@pytest.mark.parametrize(
    ('link', 'total', 'words'),
    [
        ('', 0, 'Nobody’s mail bounces.'),
        ('?text=x', 0, 'No member matches.'),
        ('?page=9', 3, 'There is no page 9.'),
    ],
)
def test_an_empty_page_says_why(
    core: StubCore, administrator: Client, link: str, total: int, words: str
) -> None:
    empty = {**TABLE, 'entries': [], 'total_size': total}
    known(core).answers[MEMBERS] = (200, empty)
    assert words in page(administrator, PATH + link)


def test_moderators_see_it_and_change_nothing(
    core: StubCore, moderator: Client
) -> None:
    known(core)
    text = page(moderator)
    assert 'full@example.net' in text
    assert 'export.csv' not in text
    assert 'method="post"' not in text
    assert moderator.get(f'{PATH}export.csv', secure=True).status_code == 403
    answer = moderator.post(f'{PATH}{MEMBER_ID}/enable', secure=True)
    assert answer.status_code == 403
    assert core.requests == []


def test_no_answer_of_core(core: StubCore, administrator: Client) -> None:
    core.status = 500
    for path in (PATH, f'{PATH}export.csv', f'{PATH}{MEMBER_ID}/'):
        answer = administrator.get(path, secure=True)
        assert answer.status_code == 503
        assert 'did not answer' in answer.content.decode()


# ------------------------------------------------------------------- the chart


def test_the_chart_is_a_picture_with_a_name_and_a_table(
    core: StubCore, administrator: Client
) -> None:
    known(core)
    text = page(administrator)
    [svg] = re.findall(r'<svg class="qnet-chart".*?</svg>', text)
    root = ElementTree.fromstring(svg)
    assert root.attrib['role'] == 'img'
    ids = root.attrib['aria-labelledby'].split()
    named = [root.find(tag) for tag in ('title', 'desc')]
    assert [each.attrib['id'] for each in named if each is not None] == ids
    assert named[1] is not None
    assert named[1].text == (
        'In the last 5 days: 2 hard and 4 soft and 1 refused by a provider; most on '
        'March 3 (3).'
    )
    # Not by colour alone: each kind has another pattern.
    fills = {each.attrib['fill'] for each in root.iter('rect') if 'fill' in each.attrib}
    assert fills == {'#8b0a03', 'url(#soft-pattern)', 'url(#withheld-pattern)'}
    details = text.partition('<details>')[2].partition('</details>')[0]
    assert '<th scope="row">March 4, 2026</th><td>2</td><td>1</td><td>0</td>' in details
    assert 'style=' not in text


def test_bars_stand_on_each_other_and_inside() -> None:
    chart = draw(DAYS)
    assert [(bar.kind, bar.height) for bar in chart.bars] == [
        ('withheld', 31.0),
        ('soft', 93.0),
        ('hard', 62.0),
        ('soft', 31.0),
    ]
    hard, soft = chart.bars[2:]
    assert soft.y + soft.height == pytest.approx(hard.y)
    assert hard.y + hard.height == pytest.approx(chart.floor)
    for bar in chart.bars:
        assert bar.y >= 0
        assert chart.left <= bar.x <= bar.x + bar.width <= chart.width
    assert [level.label for level in chart.levels] == ['0', '2', '4']
    assert [mark.label for mark in chart.dates] == ['Mar 5']


@pytest.mark.parametrize(
    ('most', 'top'), [(0, 2), (1, 2), (3, 4), (10, 10), (11, 20), (99, 100), (101, 200)]
)
def test_the_axis_ends_with_a_round_number(most: int, top: int) -> None:
    days = [{'date': '2026-03-01', 'hard': most, 'soft': 0, 'withheld': 0}]
    assert draw(days).levels[-1].label == str(top)


def test_days_without_bounces_make_no_picture(
    core: StubCore, administrator: Client
) -> None:
    quiet = [{**day, 'hard': 0, 'soft': 0, 'withheld': 0} for day in DAYS]
    known(core).answers[MEMBERS] = (200, {**TABLE, 'days': quiet})
    text = page(administrator)
    assert 'No message came back in the last 5 days.' in text
    assert 'qnet-chart' not in text


# ---------------------------------------------------------------- the download


def downloaded(answer: Any) -> list[list[str]]:
    text = b''.join(answer.streaming_content).decode()
    assert text.endswith('\r\n')
    return list(csv.reader(io.StringIO(text)))


def test_the_download_has_everybody(core: StubCore, administrator: Client) -> None:
    known(core)
    answer = administrator.get(f'{PATH}export.csv?text=net&sort=score', secure=True)
    assert answer.status_code == 200
    assert answer['Content-Type'].startswith('text/csv; charset=utf-8')
    assert answer['Content-Disposition'] == (
        f'attachment; filename="bounces-{LIST_ID}.csv"'
    )
    assert answer.streaming
    assert downloaded(answer) == [
        list(export.COLUMNS),
        [
            *('full@example.net', '5.5', '5', 'hard', 'address unknown', '2026-03-04'),
            *('by_bounces', '1', '2026-03-26'),
        ],
        [
            *('some@example.net', '0.5', '5', 'soft', 'mailbox full', '2026-03-03'),
            *('enabled', '0', ''),
        ],
    ]
    assert asked(core) == {'text': 'net', 'count': '2000'}


def test_the_download_goes_on_after_the_last_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(export, 'BATCH', 2)
    questions: list[dict[str, str]] = []
    batches = [[SUSPENDED, BOUNCING], [{**BOUNCING, 'place': '9:z@example.net'}]]

    def members(list_id: str, asked: dict[str, str]) -> dict[str, Any]:
        questions.append(dict(asked))
        return {'list': HEADING, 'entries': batches[len(questions) - 1]}

    monkeypatch.setattr(export.core_lists, 'members', members)
    lines = export.lines(LIST_ID, {'kind': 'soft'})
    assert len(questions) == 1, 'a mistake can still be answered'
    assert next(lines).startswith('address,')
    assert len(questions) == 1, 'no more than is needed at a time'
    assert len(list(lines)) == 3
    assert questions == [
        {'kind': 'soft', 'count': '2'},
        {'kind': 'soft', 'count': '2', 'after': '8:some@example.net'},
    ]


@pytest.mark.parametrize(
    ('text', 'cell'),
    [
        ('ann@example.org', 'ann@example.org'),
        ('=cmd()@example.org', "'=cmd()@example.org"),
        ('+1@example.org', "'+1@example.org"),
        ('-1@example.org', "'-1@example.org"),
        ('@x', "'@x"),
        ('\t=x', "' =x"),
        ('a\r\nb', 'a  b'),
    ],
)
def test_no_cell_is_a_formula(text: str, cell: str) -> None:
    assert export.guarded(text) == cell


def test_the_name_of_the_file_is_nobody_elses(core: StubCore, operator: Client) -> None:
    known(core).answers['lists/a%22%3Bb.example.gov/bounces/members'] = (200, TABLE)
    path = '/mailman3/lists/a%22%3Bb.example.gov/bounces/export.csv'
    answer = operator.get(path, secure=True)
    assert answer['Content-Disposition'] == (
        'attachment; filename="bounces-a__b.example.gov.csv"'
    )


# ------------------------------------------------------------------- a member


def test_what_is_remembered_of_a_member(core: StubCore, administrator: Client) -> None:
    known(core)
    text = page(administrator, f'{PATH}{MEMBER_ID}/')
    assert len(core.asked) == 1, 'one question'
    for words in (
        '5.5 of 5, in 7 days',
        'Stopped because of bounces',
        'March 26, 2026, in 21 days',
        '<strong>March 4, 2026: Hard bounce</strong>, 1 point.',
        'back: the mail server does not know the address (answer 550, status 5.1.1).',
        '<blockquote>550 5.1.1 &lt;b&gt;no such user&lt;/b&gt;</blockquote>',
        '<strong>March 3, 2026: Soft bounce</strong>, 0.5 points (not counted any '
        'more: delivery was turned on again afterwards)',
        '<strong>December 24, 2025: Hard bounce</strong>, 1 point (not counted any '
        'more: it is older than the window)',
    ):
        assert words in text, words


def test_a_text_to_send_by_other_means(core: StubCore, administrator: Client) -> None:
    known(core)
    with override_settings(SUPPORT_ADDRESS='help@example.gov'):
        answer = administrator.get(f'{PATH}{MEMBER_ID}/', secure=True)
    text = answer.content.decode()
    [shown] = re.findall(r'<textarea[^>]* readonly>(.*?)</textarea>', text, re.DOTALL)
    for step in (
        'do not reach you at full@example.net: the mail server does not know',
        'your subscription ends on March 26, 2026',
        '1. Look at that address.\n\n2. Ask your IT department.',
        'Then tell me, and delivery can be turned on again.',
        'If you need help, contact help@example.gov.',
        '&lt;b&gt;no such user',
    ):
        assert step in shown, step
    [link] = re.findall(r'href="(mailto:full[^"]+)"', text)
    parts = urlsplit(link.replace('&amp;', '&'))
    assert parts.path == 'full@example.net'
    fields = parse_qs(parts.query)
    assert fields['subject'] == ['Messages of HQR Updates do not reach you']
    assert 'IT department' in fields['body'][0]
    assert '<b>no such user</b>' in fields['body'][0], 'as it was said'


def test_an_address_does_not_get_into_the_link(
    core: StubCore, administrator: Client
) -> None:
    member = {**ONE['member'], 'address': 'a?cc=b&c@example.net'}
    answers = known(core).answers
    answers[f'{MEMBERS}/{MEMBER_ID}'] = (200, {**ONE, 'member': member})
    text = page(administrator, f'{PATH}{MEMBER_ID}/')
    [link] = re.findall(r'href="(mailto:a[^"]+)"', text)
    assert unquote(urlsplit(link).path) == 'a?cc=b&c@example.net'
    assert set(parse_qs(urlsplit(link.replace('&amp;', '&')).query)) == {
        'subject',
        'body',
    }


def test_a_member_without_bounces(core: StubCore, administrator: Client) -> None:
    member = {**BOUNCING, 'last': None, 'bounces': [], 'advice': []}
    path = f'{MEMBERS}/{OTHER_ID}'
    known(core).answers[path] = (200, {'list': HEADING, 'member': member})
    text = page(administrator, f'{PATH}{OTHER_ID}/')
    assert 'No bounce is remembered.' in text
    assert '/enable"' not in text
    assert 'Then tell me, please.' in text


def test_who_is_suspended_gets_mail_again(
    core: StubCore, administrator: Client
) -> None:
    known(core)
    path = f'{PATH}{MEMBER_ID}/'
    assert f'action="{path}enable"' in page(administrator, path)
    answer = administrator.post(f'{path}enable', secure=True)
    assert (answer.status_code, answer['Location']) == (303, path)
    [(where, fields, _authorization)] = core.requests
    assert where == f'/3.1/plugins/qnet/{MEMBERS}/{MEMBER_ID}/enable'
    assert (fields, core.actors[-1]) == ({}, 'harp:pexample')
    assert 'Delivery to full@example.net is on again' in page(administrator, path)


def test_who_has_mail_already_is_not_told_otherwise(
    core: StubCore, administrator: Client
) -> None:
    known(core).answers[f'{MEMBERS}/{MEMBER_ID}/enable'] = (409, {})
    administrator.post(f'{PATH}{MEMBER_ID}/enable', secure=True)
    assert 'Nothing changed' in page(administrator, f'{PATH}{MEMBER_ID}/')


def test_looking_changes_nothing(core: StubCore, administrator: Client) -> None:
    known(core)
    answer = administrator.get(f'{PATH}{MEMBER_ID}/enable', secure=True)
    assert answer.status_code == 405
    assert core.requests == []


def test_members_that_there_are_not(core: StubCore, administrator: Client) -> None:
    known(core)
    for name in (OTHER_ID, 'nobody', '1'):
        answer = administrator.get(f'{PATH}{name}/', secure=True)
        assert answer.status_code == 404
