# SPDX-License-Identifier: GPL-3.0-or-later
"""One post with every trace of its sender that we know of (R8, R9)."""

from __future__ import annotations

import email

import pytest
from mailman.email.message import Message as MailmanMessage

from qnet_mailman.masking import mask
from tests.masking.tools import (
    HOSTILE,
    IDENTITY,
    NEW_ID,
    PAT,
    SECRETS,
    calendar_traces,
    leaves,
    masked,
    traces,
)

THREAD = {'<older.1@lists.example.org>': '<masked.1@lists.example.org>'}


@pytest.fixture(scope='module')
def result():
    return masked(HOSTILE.read_bytes(), thread=THREAD)


def test_the_fixture_is_full_of_traces():
    original = email.message_from_bytes(HOSTILE.read_bytes())
    found = traces(original)
    assert len(found) > 200
    assert {s for s in SECRETS if any(t.endswith(f'has {s}') for t in found)} >= set(
        SECRETS
    ) - {'patexample'}


def test_no_field_of_any_part_names_the_sender(result):
    assert traces(result) == []


def test_no_line_outside_of_text_names_the_sender(result):
    text = {
        line
        for _, content in leaves(email.message_from_bytes(HOSTILE.read_bytes()))
        for line in content.splitlines()
    }
    # The pages' lines are encoded and one of them got new references.
    lines = [
        line
        for line in result.as_bytes().splitlines()
        if line not in text and not line.startswith(b'<p>Hello, Pat Example here')
    ]
    # The text of the message that came in base64.
    lines.remove(b'I am Pat Example.')
    for line in lines:
        assert not any(s.encode() in line.lower() for s in SECRETS), line


def test_calendar(result):
    (content,) = (c for t, c in leaves(result) if t == 'text/calendar')
    assert calendar_traces(content) == []
    assert b'SUMMARY:Quarterly call with Pat Example\r\n' in content
    assert b'DESCRIPTION:Write to pat@agency.example.gov.\\nTh\r\n anks' in content


def test_what_is_kept(result):
    assert result['From'] == '"HQR Updates" <hqr-updates@lists.example.org>'
    assert result['Message-ID'] == NEW_ID
    assert result['Date'] == 'Wed, 22 Nov 2023 09:00:00 +0000'
    assert result['References'] == '<masked.1@lists.example.org>'
    assert result['Cc'] == '"Kim" <kim@third.example.net>'
    assert 'lee@other.example.net' in result['To']
    assert [t for t, _ in leaves(result)] == [
        'text/html',
        'image/png',
        'text/plain',
        'text/calendar',
        'text/x-vcard',
        'application/octet-stream',
        'text/plain',
        'text/plain',
    ]
    texts = [c for t, c in leaves(result) if t == 'text/plain']
    assert texts[0].decode() == (
        'Hello, this is Pat Example <pat@agency.example.gov> – as written.'
    )
    assert texts[1] == b'Dear Pat Example, please forward.'
    assert texts[2].rstrip() == b'I am Pat Example.'


def test_fields(result):
    assert result.keys() == [
        'From',
        'To',
        'Cc',
        'Subject',
        'Date',
        'Message-ID',
        'References',
        'Importance',
        'X-Priority',
        'Auto-Submitted',
        'MIME-Version',
        'Content-Type',
    ]


def test_mailman_message_object_stays_the_same():
    message = email.message_from_bytes(HOSTILE.read_bytes(), MailmanMessage)
    result = mask(message, IDENTITY, PAT, message_id=NEW_ID, thread={})
    assert result is message
    assert {type(p) for p in message.walk()} == {MailmanMessage}
    assert message.get_unixfrom() is None
    assert traces(email.message_from_bytes(message.as_bytes())) == []
    assert traces(email.message_from_string(message.as_string())) == []


def test_masking_twice(result):
    again = masked(result.as_bytes(), thread=THREAD)
    assert traces(again) == []
    assert leaves(again) == leaves(result)
