# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a post claims to be from."""

from __future__ import annotations

import email

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.mail.author import author_of


def read(fields: bytes) -> tuple[str | None, tuple[str, ...]]:
    author = author_of(email.message_from_bytes(fields + b'\r\n\r\nHello.\r\n'))
    return author.address, author.claimed


@pytest.mark.parametrize(
    ('fields', 'address'),
    [
        (b'From: Pat <Pat@Example.GOV>', 'pat@example.gov'),
        (b'From: pat@example.gov', 'pat@example.gov'),
        (b'From: pat@example.gov (Pat)', 'pat@example.gov'),
        (b'From: =?utf-8?q?Pat_=C3=89?= <pat@example.gov>', 'pat@example.gov'),
        (b'From: "Pat \xe9" <pat@example.gov>', 'pat@example.gov'),
        (b'From: Pat\r\n <pat@example.gov>', 'pat@example.gov'),
        (b'From: "a@example.org" <pat@example.gov>', 'pat@example.gov'),
        (b'From: a@example.org <pat@example.gov>', None),
        (b'From: pat@example.gov, a@example.org', None),
        (b'From: pat@example.gov\r\nFrom: pat@example.gov', None),
        (b'From: staff: pat@example.gov;', None),
        (b'From: pat@example.gov, staff:;', None),
        (b'From: <pat@example.gov>a@example.org', None),
        (b'From: pat@example.gov(<)a@example.org', None),
        (b'From: =?utf-8?q?pat=40example=2Egov?=', None),
        (b'From: pat', None),
        (b'From: ', None),
        (b'From: <>', None),
        (b'Sender: pat@example.gov\r\nReply-To: pat@example.gov', None),
        (b'From: ' + b'<' * 20_000, None),
    ],
)
def test_author(fields: bytes, address: str | None) -> None:
    assert read(fields)[0] == address


def test_every_claim_is_known() -> None:
    claimed = read(b'From: pat@example.gov, Two <two@example.org>')[1]
    assert claimed == ('pat@example.gov', 'two@example.org')


@given(st.binary(max_size=300))
def test_never_raises(value: bytes) -> None:
    address, claimed = read(b'From: ' + value.replace(b'\n', b' '))
    assert address is None or (address in claimed and address.count('@') == 1)


@given(st.text(alphabet='ab@.<>(),;:"\\ =?', max_size=60))
def test_never_raises_on_syntax(value: str) -> None:
    address, claimed = read(b'From: ' + value.encode())
    assert address is None or address in claimed
