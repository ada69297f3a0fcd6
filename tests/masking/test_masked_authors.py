# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever a header block may be read to name is masked in all of it (R8, R9)."""

from __future__ import annotations

import email

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from mailman.email.message import Message

from qnet_mailman.mail.legible import make_legible
from qnet_mailman.masking import CannotMask, Sender, mask
from qnet_mailman.masking.claims import addresses_of, names_of
from tests.examples import examples
from tests.masking.authors import ENDS, WAYS, Author, authors, from_line, what_is_left
from tests.masking.test_masking_properties import word_of
from tests.masking.tools import IDENTITY, NEW_ID

# Which fields name the sender is one of Mailman's settings.
pytestmark = pytest.mark.usefixtures('mailman_site')

FIELDS = """
    To Cc Bcc Reply-To Sender Subject Keywords Comments Received X-Sender X-Mailer
    Return-Path X-Original-From Resent-From Organization List-Owner Errors-To
    Thread-Topic X-Envelope-From Authentication-Results DKIM-Signature Importance
    In-Reply-To Message-ID Disposition-Notification-To Mail-Followup-To Autocrypt
"""
PART_FIELDS = """
    Content-Description Content-ID Content-Location Content-Language X-Part-Owner
"""
SHAPES = (
    '{name} <{address}>',
    '{address}',
    '{name}',
    'News from {name}: mail {address}',
    'Kim Other <kim@other.test>, {name} <{address}>',
    '<1.{address}>',
    'from {address} (envelope-from <{address}>) by x.test; now',
)
PARAMETERS = (
    'text/plain; name="{name}.txt"',
    'text/plain; charset="{address}"',
    "application/pdf; name*=utf-8''{percent}.pdf",
    "application/pdf; name*0*=utf-8''{half}; name*1*={rest}.pdf",
)
CALENDAR = (
    'ORGANIZER;CN="{name}":mailto:{address}',
    'ATTENDEE;CN={name}:mailto:kim@other.test',
    'ATTENDEE;SENT-BY="mailto:{address}":mailto:kim@other.test',
    'CONTACT:{name}\\, {address}',
    'UID:{address}',
    'X-OWNER;EMAIL={address}:{name}',
    'URL:https://x.test/?who={percent}',
    'SUMMARY:A talk by {name}',
)
CARD = (
    'FN:{name}',
    'N:{name};;;;',
    'EMAIL;TYPE=work:{address}',
    'NOTE;ENCODING=QUOTED-PRINTABLE:{hexadecimal}',
)


def filled(shape: str, author: Author, way=str) -> str:
    percent = ''.join(f'%{b:02X}' for b in author.name.encode())
    middle = len(percent) // 6 * 3
    return shape.format(
        name=way(author.name),
        address=author.address,
        percent=percent,
        half=percent[:middle],
        rest=percent[middle:],
        hexadecimal=''.join(f'={b:02X}' for b in author.name.encode()),
    )


@st.composite
def header_block(draw, author: Author) -> list[bytes]:
    """Lines that name an author anywhere, in any way."""
    lines = []
    names = draw(st.lists(word_of(FIELDS), max_size=6))
    for name in names:
        value = filled(draw(st.sampled_from(SHAPES)), author, draw(ways))
        lines.append(f'{name}: {value}'.encode())
    return lines


ways = st.sampled_from(WAYS)


@st.composite
def a_part(draw, author: Author) -> bytes:
    kind = draw(st.sampled_from(['text/plain', 'text/calendar', 'text/vcard']))
    name = draw(word_of(PART_FIELDS))
    more = f'{name}: {filled(draw(st.sampled_from(SHAPES)), author, draw(ways))}'
    if kind == 'text/plain':
        kind = filled(draw(st.sampled_from(PARAMETERS)), author)
        body = 'Hello.'
    elif kind == 'text/calendar':
        lines = draw(st.lists(st.sampled_from(CALENDAR), min_size=1, max_size=4))
        lines = [filled(line, author) for line in lines]
        body = '\n'.join(['BEGIN:VCALENDAR', *lines, 'END:VCALENDAR'])
    else:
        lines = [filled(draw(st.sampled_from(CARD)), author)]
        body = '\n'.join(['BEGIN:VCARD', *lines, 'END:VCARD'])
    return f'Content-Type: {kind}\n{more}\n\n{body}\n'.encode()


@st.composite
def post(draw, author: Author, from_lines: list[bytes]) -> bytes:
    lines = [b'From: ' + line for line in from_lines]
    lines += draw(header_block(author))
    lines = draw(st.permutations(lines))
    parts = draw(st.lists(a_part(author), max_size=3))
    head = b'\n'.join([*lines, b'Content-Type: multipart/mixed; boundary=b'])
    body = b''.join(b'--b\n' + part + b'\n' for part in parts)
    return head + b'\n\n' + body + b'--b--\n'


@st.composite
def from_lines(draw, author: Author) -> list[bytes]:
    end, way = draw(st.sampled_from(sorted(ENDS))), draw(ways)
    lines = [from_line(author, end, way)]
    if draw(st.booleans()) and draw(st.booleans()):
        lines.append(b'Kim Other <kim@other.test>')
    return lines


def masked(data: bytes, known: Sender, envelope_sender: str | None = None):
    """What leaves the list, as the incoming runner and the pipeline make it."""
    msg = email.message_from_bytes(data, Message)
    make_legible(msg)
    msg.set_unixfrom(envelope_sender)
    try:
        mask(msg, IDENTITY, known, message_id=NEW_ID, thread={})
    except CannotMask as error:
        # Nothing leaves the list, which is safe, but it must not be the rule.
        assert 'cannot be taken out' not in error.reason
        return None
    return email.message_from_bytes(msg.as_bytes())


many = examples(
    few=60, many=400, deadline=None, suppress_health_check=list(HealthCheck)
)


@many
@given(st.data(), authors)
def test_whoever_the_header_names(data, author):
    """Nothing is known of the author but what the post itself says."""
    raw = data.draw(post(author, data.draw(from_lines(author))))
    # From may have no name in it; then the database must know it.
    names = {author.name} if f'From: {author.address}\n'.encode() in raw else ()
    result = masked(raw, Sender(names=frozenset(names)))
    if result is not None:
        assert what_is_left(result, author) == []


@many
@given(st.data(), authors, st.sampled_from([[], [b''], [b'undisclosed:;'], [b'<>']]))
def test_whom_only_the_envelope_or_the_database_names(data, author, lines):
    raw = data.draw(post(author, lines))
    known = Sender(frozenset({author.address}), frozenset({author.name}))
    result = masked(raw, known)
    if result is not None:
        assert what_is_left(result, author) == []
    by_envelope = masked(raw, Sender(), author.address)
    nameless = Author('Nobody Whatever', author.address)
    if by_envelope is not None:
        assert what_is_left(by_envelope, nameless) == []


@pytest.mark.parametrize('end', sorted(ENDS))
def test_every_way_to_write_from_names_the_author(end):
    text = from_line(Author('Pat Example', 'pat@agency.test'), end, str).decode()
    assert 'pat@agency.test' in addresses_of(text)
    if end != 'only the address':
        assert 'Pat Example' in names_of(text)


@pytest.mark.parametrize('name', ['To', 'Cc', 'Resent-To', 'X-Sender'])
def test_a_name_that_only_stands_beside_their_own_address(name):
    lines = [f'{name}: Pat Example <PAT@agency.test>', 'Subject: News of Pat Example']
    raw = '\n'.join(['From: pat@agency.test', *lines, '', 'Hello.']).encode()
    result = masked(raw, Sender())
    assert what_is_left(result, Author('Pat Example', 'pat@agency.test')) == []
    assert result['subject'] == 'News of HQR Updates'


@pytest.mark.parametrize(
    ('text', 'address'),
    [
        ('"pat example"@agency.test', 'pat example@agency.test'),
        ('<pat@[192.0.2.9]>', 'pat@[192.0.2.9]'),
        ('Päт <päт@agency.test>', 'päт@agency.test'),
        ('=?utf-8?q?Pat_pat=40agency=2Etest?=', 'pat@agency.test'),
        ('= ?bogus?q?pat=40agency=2Etest?=', 'pat@agency.test'),
    ],
)
def test_odd_addresses(text, address):
    assert address in addresses_of(text)


@given(st.text(max_size=300))
def test_any_text(text):
    addresses_of(text)
    names_of(text)


@pytest.mark.parametrize(
    'text', ['"\\' * 20_000, '(' * 40_000, '<' * 40_000, '@ ' * 9_000]
)
def test_a_long_field_is_read_in_time(text):
    assert len(addresses_of(text)) < 10_000
    names_of(text)
