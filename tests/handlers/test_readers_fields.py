# SPDX-License-Identifier: GPL-3.0-or-later
"""What the header of a copy says of the list and of the time, whoever posted."""

from __future__ import annotations

import base64
import email
import email.header
import email.policy
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailman.config import config
from mailman.interfaces.archiver import ArchivePolicy

from qnet_mailman.handlers.list_fields import list_id_of
from qnet_mailman.mail.dates import settle_date
from qnet_mailman.model.lists import set_mask
from qnet_mailman.runners.archive import ArchiveRunner
from qnet_mailman.values import Mask
from tests.helpers import digested, message, post, queued, run

MEMBER = 'lee@example.org'
ENCODED = re.compile(r'=\?utf-8\?b\?')
RECEIVED = datetime(2026, 11, 30, 8, 15, tzinfo=UTC)

pytestmark = pytest.mark.mlist('discussion', members=[MEMBER], mask=Mask.off)

MASKS = pytest.mark.parametrize('mask', [Mask.off, Mask.everyone])


def sent(mlist: Any, *lines: str) -> Any:
    """The copy of a post with some fields, as it waits for delivery."""
    fields = [f'From: {MEMBER}', f'To: {mlist.fqdn_listname}', 'Subject: News', *lines]
    msg = message('\n'.join([*fields, '', 'Hello.', '']), MEMBER)
    post(mlist, msg)
    run('in', 'pipeline')
    assert not queued('shunt')
    ((copy, _data),) = queued('out')
    return email.message_from_bytes(copy.as_bytes())


@MASKS
def test_no_field_of_another_list_reaches_a_reader(mlist: Any, mask: Mask) -> None:
    set_mask(mlist, mask)
    names = ('Archive', 'Help', 'Id', 'Owner', 'Post', 'Subscribe', 'Unsubscribe')
    names += ('Unsubscribe-Post', 'Software', 'Unknown')
    lines = [f'List-{name}: <https://other.test/>' for name in names]
    copy = sent(mlist, *lines, 'Archived-At: <https://other.test/1>')
    assert 'other.test' not in copy.as_string()
    assert mlist.posting_address in copy['List-Post']
    assert len(copy.get_all('List-Id')) == 1
    assert 'other.test' not in digested(mlist)[0].as_string()


def test_not_even_where_the_list_writes_none(mlist: Any) -> None:
    mlist.include_rfc2369_headers = False
    copy = sent(mlist, 'List-Archive: <https://other.test/>')
    assert not [name for name in copy if name.startswith('List-')]


@pytest.mark.parametrize(
    ('name', 'decoded'),
    [
        ('HQR Updates', 'HQR Updates'),
        ('A "B" \\ C', 'A "B" \\ C'),
        ('Qualität', 'Qualität'),
        ('Ü' * 110, 'Ü' * 16 + '…'),
        ('N' * 110, 'N' * 110),
        ('=?utf-8?q?x?=', '=?utf-8?q?x?='),
    ],
)
def test_list_id_is_the_display_name(mlist: Any, name: str, decoded: str) -> None:
    mlist.display_name = name
    mlist.description = 'Something else: ä'
    value = ''.join(sent(mlist)['List-Id'].splitlines()).strip()
    phrase, _, rest = value.rpartition(' <')
    assert rest == f'{mlist.list_id}>'
    assert len(ENCODED.findall(phrase)) <= 1
    assert all(len(word) <= 75 for word in phrase.split() if word.startswith('=?'))
    if phrase.startswith('"'):
        phrase = phrase[1:-1].replace('\\"', '"').replace('\\\\', '\\')
    else:
        phrase = str(email.header.make_header(email.header.decode_header(phrase)))
    assert ' '.join(phrase.split()) == decoded


class Named:
    """A list with a name."""

    list_id = 'news.lists.example.gov'

    def __init__(self, display_name: str) -> None:
        self.display_name = display_name


@given(st.text(max_size=120))
def test_list_id_has_one_encoded_word_at_most(name: str) -> None:
    value = list_id_of(Named(name))  # type: ignore[arg-type]
    assert value.isascii() and value.endswith('<news.lists.example.gov>')
    phrase = value.rpartition('<')[0]
    assert phrase.startswith('"') or len(ENCODED.findall(phrase)) <= 1


# -------------------------------------------------------------------- the date


@MASKS
@pytest.mark.parametrize(
    'lines',
    [
        [],
        ['Date: yesterday'],
        ['Date: Xyz, 99 Abc 0000 99:99:99 +99999999'],
        ['Date:'],
        ['Date: \udcff'],
    ],
)
def test_a_post_without_a_date_has_the_time_of_its_coming(
    mlist: Any, mask: Mask, lines: list[str]
) -> None:
    set_mask(mlist, mask)
    fields = [f'From: {MEMBER}', f'To: {mlist.fqdn_listname}', 'Subject: News', *lines]
    raw = '\n'.join([*fields, '', 'Hello.', '']).encode('utf-8', 'surrogateescape')
    config.switchboards['in'].enqueue(
        message(raw, MEMBER),
        listid=mlist.list_id,
        to_list=True,
        received_time=RECEIVED.replace(tzinfo=None),
    )
    run('in', 'pipeline')
    copies = [msg for name in ('out', 'archive') for msg, _ in queued(name)]
    for copy in (*copies, *digested(mlist)):
        (date,) = copy.get_all('Date')
        assert parsedate_to_datetime(date) == RECEIVED


def test_the_authors_own_date_stays_as_it_is(mlist: Any) -> None:
    date = 'Sun, 22 Nov 2026 10:00:00 +0100 (CET)'
    assert sent(mlist, f'Date: {date}')['Date'] == date


def test_of_several_dates_the_first_readable_is_left() -> None:
    msg = message('Date: x\nDate: Sun, 22 Nov 2026 10:00:00 +0100\nDate: y\n\nx\n')
    settle_date(msg, RECEIVED)
    assert msg.get_all('Date') == ['Sun, 22 Nov 2026 09:00:00 +0000']


@given(st.lists(st.text(max_size=40), max_size=3))
def test_there_is_always_one_date(values: list[str]) -> None:
    msg = message('Subject: x\n\nx\n')
    for value in values:
        msg.set_raw('Date', value.replace('\n', ' ').replace('\r', ' '))
    settle_date(msg, RECEIVED)
    (date,) = msg.get_all('Date')
    assert parsedate_to_datetime(str(date)) is not None


# ----------------------------------------------------------------- the archive


@MASKS
@pytest.mark.parametrize(
    'line',
    ['X-No-Archive: yes', 'X-No-Archive: Yes', 'x-no-archive:', 'X-Archive: No'],
)
def test_who_wants_no_archive_gets_none(mlist: Any, mask: Mask, line: str) -> None:
    set_mask(mlist, mask)
    assert mlist.archive_policy is not ArchivePolicy.never
    copy = sent(mlist, line)
    assert queued('archive') == []
    # Archives of others are to know it as well.
    assert line.partition(':')[0].lower() in [name.lower() for name in copy]


@MASKS
def test_other_words_keep_a_post_in_the_archive(mlist: Any, mask: Mask) -> None:
    set_mask(mlist, mask)
    sent(mlist, 'X-Archive: encrypt')
    assert len(queued('archive')) == 1


@pytest.mark.parametrize(
    ('kind', 'label', 'codec', 'text'),
    [
        ('html', '', 'utf-8', 'Viele Grüße aus München'),
        ('html', '', 'cp1252', 'Viele Grüße'),
        ('plain', '', 'koi8-r', 'Уважаемые коллеги, посылаем отчёт'),
        ('plain', 'us-ascii', 'cp1252', 'Viele Grüß'),
        ('html', 'utf-8', 'cp1252', 'Viele Grüße aus München'),
        ('plain', 'x-unknown', 'cp1252', 'Viele Grüße aus München'),
        ('plain', 'utf-16', 'utf-16', 'Viele Grüße aus München'),
    ],
)
def test_the_archive_can_read_it(
    mlist: Any,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    label: str,
    codec: str,
    text: str,
) -> None:
    charset = f'; charset={label}' if label else ''
    head = (
        f'From: {MEMBER}\nTo: {mlist.fqdn_listname}\nSubject: News\nMIME-Version: 1.0\n'
        f'Content-Type: text/{kind}{charset}\nContent-Transfer-Encoding: '
    )
    if codec == 'utf-16':
        data = head.encode() + b'base64\n\n' + base64.encodebytes(text.encode(codec))
    else:
        data = head.encode() + b'8bit\n\n' + text.encode(codec) + b'\n'
    post(mlist, message(data, MEMBER))
    run('in', 'pipeline')
    kept: list[Any] = []
    archiver = SimpleNamespace(archive_message=lambda _mlist, msg: kept.append(msg))
    one = SimpleNamespace(is_enabled=True, name='prototype', system_archiver=archiver)
    monkeypatch.setattr(
        'mailman.runners.archive.IListArchiverSet',
        lambda _mlist: SimpleNamespace(archivers=[one]),
    )
    ArchiveRunner('archive')._one_iteration()
    (archived,) = kept
    # As HyperKitty reads it: strictly in the charset that it says.
    read = email.message_from_bytes(
        archived.as_bytes(), policy=email.policy.default
    ).get_content()
    assert read.strip() == text
