# SPDX-License-Identifier: GPL-3.0-or-later
"""Files with members, of anybody's making, as rows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.forms.member_files import Row, read_members
from qnet_mailman.forms.readers import Unreadable

WANTED = [('a@example.org', 'Ann Example'), ('b@example.org', 'Bö Müller')]


def people(content: bytes) -> list[tuple[str, str]]:
    return [(row.email, row.name) for row in read_members(content, most=1000)]


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'windows-1252'])
@pytest.mark.parametrize('end', ['\n', '\r\n'])
@pytest.mark.parametrize('delimiter', [',', ';', '\t'])
@pytest.mark.parametrize(
    'rows',
    [
        [('email', 'name'), *WANTED],
        WANTED,
        [(name, email) for email, name in WANTED],
        [('Name', 'E-Mail'), *((name, email) for email, name in WANTED)],
        [('DateJoined_', 'FullName_', 'EmailAddr_')]
        + [('2019-01-02', name, email) for email, name in WANTED],
        [('2019-01-02', name, '17', email) for email, name in WANTED],
        [('Last Name', 'First Name', 'Email')]
        + [(*name.split()[::-1], email) for email, name in WANTED],
    ],
)
def test_whatever_the_shape(
    encoding: str, end: str, delimiter: str, rows: list[tuple[str, ...]]
) -> None:
    text = end.join(delimiter.join(row) for row in rows) + end * 2
    assert people(text.encode(encoding)) == WANTED


@pytest.mark.parametrize(
    ('encoding', 'text'),
    [
        ('utf-16', 'email;name\n{};{}\n{};{}\n'),
        ('utf-8', 'email,name\r{},{}\r{},{}\r'),
        ('utf-8-sig', 'sep=;\nemail;name;\n{};{};\n{};{};\n'),
    ],
)
def test_what_spreadsheets_write(encoding: str, text: str) -> None:
    text = text.format(*(cell for who in WANTED for cell in who))
    assert people(text.encode(encoding)) == WANTED


def test_a_list_as_mailman_prints_it() -> None:
    content = '"Example, Ann" <a@example.org>\nBö <b@example.org>\nc@example.org\n'
    assert read_members(content.encode(), most=3) == [
        Row(1, 'a@example.org', 'Example, Ann', ''),
        Row(2, 'b@example.org', 'Bö', ''),
        Row(3, 'c@example.org', '', ''),
    ]
    assert people(b'Address,Name\nBo <b@example.org>,\n') == [('b@example.org', 'Bo')]
    with pytest.raises(Unreadable, match='more than 2 rows'):
        read_members(content.encode(), most=2)


def test_utf_16_that_does_not_say_so_is_told_how_to_save() -> None:
    with pytest.raises(Unreadable, match='CSV UTF-8'):
        people('email,name\na@example.org,Ann\n'.encode('utf-16-le'))


def test_an_export_of_listmanager() -> None:
    content = (
        b'"EmailAddr_","FullName_","MemberType_","DateJoined_"\n'
        b'a@example.org,"Example, Ann",normal,2019-01-02 03:04:05\n'
        b'b@example.org,,held,2019-01-02\n'
    )
    assert read_members(content, most=10) == [
        Row(2, 'a@example.org', 'Example, Ann', 'normal'),
        Row(3, 'b@example.org', '', 'held'),
    ]


def test_states_are_known_without_a_heading() -> None:
    content = b'a@example.org;normal\nb@example.org;unsub\n'
    assert [row.state for row in read_members(content, most=10)] == ['normal', 'unsub']


def test_a_row_has_the_number_of_its_first_line() -> None:
    content = b'email,name\n\na@example.org,"A\nB"\nb@example.org,\n'
    assert [row.line for row in read_members(content, most=10)] == [3, 5]


def test_addresses_alone() -> None:
    assert people(b'a@example.org\nb@example.org') == [
        ('a@example.org', ''),
        ('b@example.org', ''),
    ]


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'is empty; expected a row for each member'),
        (b'\n \n', 'is empty; expected a row for each member'),
        (b'one,two\n', 'has no e-mail address in its first 1 rows; expected a row'),
        (b'a@example.org\n\x81\n', 'is neither UTF-8 nor Windows-1252'),
        (b'a@example.org\n"' + b'x' * 200_000, 'is not CSV: field larger than'),
        (b'a@example.org\n' * 12, 'has more than 10 rows (members_max_rows in'),
    ],
)
def test_files_of_another_kind(content: bytes, message: str) -> None:
    with pytest.raises(Unreadable) as unreadable:
        read_members(content, most=10)
    assert str(unreadable.value).startswith(message)


@given(st.binary() | st.text('ab@.,;\t"\n\r \0', max_size=200).map(str.encode))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    try:
        rows = read_members(content, most=5)
    except Unreadable:
        return
    assert all(isinstance(row, Row) for row in rows)
