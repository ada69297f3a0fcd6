# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong is said on the page it is typed on, in plain words; nothing is lost."""

from __future__ import annotations

import re
import zipfile
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile

from qnet_mailman.web.request_forms import drafts
from tests.asking.asker import LIST_REQUEST, Asker, mistakes_of, text_of

PLAIN = 'Choose Yes if no sensitive information is shared on the list.'


def spreadsheet() -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, 'w') as archive:
        archive.writestr('xl/workbook.xml', '<workbook/>')
    return file.getvalue()


def csv(content: bytes, name: str = 'members.csv') -> dict[str, Any]:
    return {'file': SimpleUploadedFile(name, content, 'text/csv')}


def test_a_step_is_checked_when_it_is_sent(asker: Asker) -> None:
    answer = asker.send('list', {'list.display_name': 'x' * 111, 'list.name': 'a b'})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert '<title>Error: The list and what it is for' in page
    # Focus is on the summary; each mistake leads to its field, and stands beside it.
    assert re.search(r'id="problems" role="alert" tabindex="-1" autofocus', page)
    found = dict(mistakes_of(answer))
    assert (
        found[
            'Description: Enter one line for the sign-up page, at most 500 characters.'
        ]
        == '#list.description'
    )
    assert found['Kind of list: Choose notification (one-way) or discussion.'] == (
        '#list.type-notification'
    )
    assert len(found) == 4
    for target in found.values():
        assert f'id="{target[1:]}"' in page
    [field] = re.findall(r'<input[^>]*id="list\.name"[^>]*>', page)
    assert 'value="a b"' in field
    assert 'aria-invalid="true"' in field
    assert 'aria-describedby="list.name-mistake list.name-help"' in field
    [beside] = re.findall(r'(?s)id="list\.name-mistake">(.*?)</div>', page)
    assert 'Enter the name of a list: letters' in beside
    # It is there when the page is opened again, too.
    assert 'value="a b"' in asker.get(asker.path('list')).content.decode()


def test_an_attestation_is_told_in_plain_words(asker: Asker) -> None:
    asker.send('subscribing', {'list.visibility': 'public'})
    answer = asker.send('public', {'attestations.no_sensitive_information': 'no'})
    assert PLAIN in text_of(answer)
    assert 'expected' not in text_of(answer)
    # A private list has no such page, and nothing is asked of what was said there.
    asker.send('subscribing', {'list.visibility': 'private'})
    assert asker.get(asker.path('public')).status_code == 404


def test_what_is_asked_only_at_times_is_not_sent(asker: Asker) -> None:
    discussion = {**LIST_REQUEST['list'], 'list.type': 'discussion'}
    asker.send('list', discussion)
    asker.send('messages', {'list.replies': 'hold'})
    assert 'Replies of members Hold' in text_of(asker.get(asker.path('check')))
    # A notification list rejects: what was chosen before would be a mistake.
    assert asker.send('list').status_code == 303
    assert asker.send('messages', {}).status_code == 303
    assert 'Hold' not in text_of(asker.get(asker.path('check')))


def test_all_mistakes_are_told_before_sending(asker: Asker) -> None:
    asker.send('you')
    answer = asker.send_all()
    assert answer.status_code == 400
    assert '<title>Error: Check your answers' in answer.content.decode()
    found = dict(mistakes_of(answer))
    assert found["Name of the list: Enter the list's name, or its whole address."] == (
        '/forms/list-request/list/'
    )
    assert (
        found[
            'Administrators: Name at least one administrator, with name and e-mail '
            'address.'
        ]
        == '/forms/list-request/administrators/'
    )


@pytest.mark.parametrize(
    'odd',
    [
        '<script>alert(1)</script>',
        'Rae\x07Requester',
        'Rae\r\nBcc: all@example.org',
        'x' * 300,
        '\u202eRae',
        'Rae\x00',
    ],
)
def test_odd_text_is_kept_and_shown_as_text(asker: Asker, odd: str) -> None:
    fields = {**LIST_REQUEST['you'], 'requester.name': odd}
    answer = asker.send('you', fields)
    assert answer.status_code == (303 if odd.startswith('<') else 400)
    page = asker.get(asker.path('you')).content.decode()
    assert '<script>alert' not in page
    [kept] = re.findall(r'id="requester\.name" name="[^"]*" value="([^"]*)"', page)
    assert kept.replace('&lt;', '<').replace('&gt;', '>') == odd


def test_people_one_after_the_other(asker: Asker) -> None:
    first = LIST_REQUEST['administrators']
    more = asker.post(asker.path('administrators'), {**first, 'button': 'add'})
    page = more.content.decode()
    assert more.status_code == 200
    assert page.count('<legend>Person') == 2
    [field] = re.findall(r'<input[^>]*id="administrators\.1\.name"[^>]*>', page)
    assert 'autofocus' in field
    second = {
        'administrators.1.name': 'Sam Sample',
        'administrators.1.email': 'sam at agency',
    }
    answer = asker.send('administrators', {**first, **second})
    [(words, target)] = mistakes_of(answer)
    assert words.startswith('2nd administrator, E-mail address: Enter an e-mail')
    assert target == '#administrators.1.email'
    # Whoever is emptied is gone, and a tick alone is nobody.
    left = {
        'administrators.0.may_post': 'yes',
        'administrators.1.name': 'Sam Sample',
        'administrators.1.email': 'sam@agency.example.gov',
    }
    assert asker.send('administrators', left).status_code == 303
    shown = text_of(asker.get(asker.path('check')))
    assert '1. Sam Sample, sam@agency.example.gov' in shown
    assert 'Pat' not in shown


@pytest.mark.parametrize(
    ('file', 'told'),
    [
        (csv(b'first,last,mail\na,b,c@example.org\n'), 'has 3 columns in line 1'),
        (csv(b'email,phone\na@example.org,1\n'), 'other columns than email and name'),
        (csv(spreadsheet()), 'save it as UTF-8 (in Excel: "CSV UTF-8")'),
        (csv(b'email\nfoo\n'), 'line 2, E-mail address: Enter an e-mail address'),
        (csv(b'a@example.org,A\x07\n'), 'line 1, Name: Enter one line of text'),
        (csv(b'a@example.org\n' * 50_001), 'more than 50,000 rows'),
        (csv(b'\r' * 100_000), 'more than 50,000 rows'),
        (csv(b'x' * (drafts.MAX_FILE + 1)), 'larger than 8 MB'),
    ],
    ids=['columns', 'heading', 'xlsx', 'address', 'bell', 'rows', 'cr', 'large'],
)
def test_a_bad_file(asker: Asker, file: dict[str, Any], told: str) -> None:
    answer = asker.send('subscribers', {**file, 'list.bounces.threshold': '7'})
    assert answer.status_code == 400
    [(words, target)] = mistakes_of(answer)
    assert told in words
    assert 'qnet.cfg' not in words
    assert target == '#subscribers'
    page = answer.content.decode()
    assert 'members.csv' not in page, 'the file is to be corrected, and chosen anew'
    assert re.search(r'id="list.bounces.threshold"[^>]*value="7"', page)


def test_many_mistakes_in_a_file_do_not_flood_the_page(asker: Asker) -> None:
    answer = asker.send('subscribers', csv(b'foo\n' * 5000))
    assert len(mistakes_of(answer)) == 25
    assert 'more.' in text_of(answer)


def test_a_good_file_is_kept_over_the_steps(asker: Asker) -> None:
    good = csv('email;name\nlee@example.org;Lée\n'.encode('utf-16'), 'Prüfer.csv')
    assert asker.send('subscribers', good).status_code == 303
    asker.send('masking')
    assert 'Prüfer.csv' in text_of(asker.get(asker.path('check')))
    assert 'We have your file Prüfer.csv' in text_of(
        asker.get(asker.path('subscribers'))
    )
    # It is that or pasted text.
    both = asker.send('subscribers')
    assert mistakes_of(both) == [
        ('Paste the addresses or choose a file, not both.', '#subscribers')
    ]
    assert 'reader@example.org' in both.content.decode()
    # Another mistake of the page takes nothing away.
    asker.send('subscribers', {'list.bounces.threshold': 'many'})
    assert 'Prüfer.csv' in text_of(asker.get(asker.path('subscribers')))
    gone = asker.post(asker.path('subscribers'), {'button': 'without-file'})
    assert gone.status_code == 200
    assert 'Prüfer.csv' not in text_of(gone)
    assert 'Prüfer.csv' not in text_of(asker.get(asker.path('check')))


@pytest.mark.parametrize(
    'fields',
    [{'subscribers': 'x' * 2_700_000}, {'list.bounces.threshold': 'x' * 100_001}],
    ids=['unread', 'read'],
)
def test_what_is_too_large_to_be_kept(asker: Asker, fields: dict[str, str]) -> None:
    asker.send('you')
    answer = asker.send('subscribers', fields)
    assert answer.status_code == 413
    assert 'Use the Back button' in text_of(answer)
    assert 'Rae Requester' in text_of(asker.get(asker.path('check')))


def test_what_was_typed_is_thrown_away(asker: Asker) -> None:
    asker.send('you')
    assert 'for 24 hours after your last step' in text_of(asker.get(asker.path('list')))
    page = asker.get(asker.path('you')).content.decode()
    [csrf, *_] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    gone = asker.browser.post(
        asker.path('discard'),
        {'csrfmiddlewaretoken': csrf},
        secure=True,
        headers={'referer': 'https://lists.example.gov/'},
    )
    assert (gone.status_code, gone['Location']) == (303, '/forms/')
    assert 'Rae' not in asker.get(asker.path('you')).content.decode()
    # There is nothing to check.
    assert asker.get(asker.path('check'))['Location'] == asker.path('you')


def test_pages_with_answers_are_kept_nowhere_else(asker: Asker) -> None:
    asker.send('you')
    for step in ('you', 'check'):
        assert 'no-store' in asker.get(asker.path(step))['Cache-Control']
    assert 'Rae' not in Asker().get(asker.path('you')).content.decode()


def test_what_is_not_there(asker: Asker) -> None:
    for path in ('/forms/other/', '/forms/other/you/', '/forms/list-request/none/'):
        assert asker.get(path).status_code == 404


def test_drafts_that_have_ended_go(asker: Asker) -> None:
    asker.send('you')
    Session.objects.update(expire_date=datetime(2020, 1, 1, tzinfo=UTC))
    Asker().send('you')
    ended = Session.objects.filter(expire_date__lt=datetime(2021, 1, 1, tzinfo=UTC))
    assert not ended.exists()
    assert 'Rae' not in asker.get(asker.path('you')).content.decode()
