# SPDX-License-Identifier: GPL-3.0-or-later
"""What shows that a program wrote a message (R5)."""

from __future__ import annotations

import email

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.mail.automatic import automatic


def mark(fields: str, envelope: str | None = 'a@example.net') -> str | None:
    msg = email.message_from_string(fields + '\r\n\r\nHello.\r\n')
    msg.set_unixfrom(envelope)
    return automatic(msg)


@pytest.mark.parametrize(
    'fields',
    [
        'Auto-Submitted: auto-replied',
        'Auto-Submitted: auto-generated (vacation)',
        'Auto-Submitted: AUTO-REPLIED; owner-email="a@example.org"',
        'Precedence: bulk',
        'Precedence: Junk',
        'Precedence: auto_reply',
        'X-Autoreply: yes',
        'X-Autorespond: Out of office',
        'X-MS-Exchange-Inbox-Rules-Loop: a@example.org',
        'Return-Path: <>',
        'Delivered-To: Autoresponder',
        'Content-Type: multipart/report; report-type=delivery-status; boundary=b',
        'X-Auto-Response-Suppress: All\r\nSubject: Abwesenheitsnotiz: Urlaub',
        'X-Auto-Response-Suppress: DR, OOF\r\nSubject: Automatic reply: News',
    ],
)
def test_automatic(fields: str) -> None:
    assert mark(fields)


@pytest.mark.parametrize(
    'fields',
    [
        'Subject: Hello',
        'Auto-Submitted: no',
        'Auto-Submitted: No (a person did)',
        'Precedence: list',
        'Precedence: normal',
        'X-Auto-Response-Suppress: OOF',
        'X-Auto-Response-Suppress: OOF\r\nSubject: RE: Automatic reply: News',
        'Subject: Automatic reply: what do you think of ours?',
        'X-Autoreply: no',
    ],
)
def test_written_by_a_person(fields: str) -> None:
    assert mark(fields) is None


@pytest.mark.parametrize('envelope', ['', '<>', ' '])
def test_empty_envelope_sender(envelope: str) -> None:
    assert mark('Subject: Hello', envelope)


def test_no_envelope_is_not_an_empty_one() -> None:
    assert mark('Subject: Hello', None) is None


@given(st.binary(max_size=200))
def test_never_raises(value: bytes) -> None:
    line = value.replace(b'\n', b' ')
    for name in (b'Auto-Submitted', b'Precedence', b'Subject', b'X-Autoreply'):
        automatic(email.message_from_bytes(name + b': ' + line + b'\r\n\r\n'))
