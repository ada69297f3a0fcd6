# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages written down as they came."""

from __future__ import annotations

import email
import email.message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.mail.parts import parse
from qnet_mailman.mail.written import MAX_DEPTH, first_bytes

REPORT = b"""\
From: MAILER-DAEMON@mx.example.net
To: bounces@lists.example.gov
Subject: =?utf-8?q?Nicht_zugestellt?= and a field that is folded where somebody
\twanted it to be folded
X-Raw: gr\xc3\xbc\xc3\x9fe
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
 boundary="=_b 1"

Before the parts.

--=_b 1
Content-Type: text/plain; charset=iso-8859-1

<a@example.net>: gel\xf6scht
--=_b 1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; a@example.net
Action: failed

--=_b 1
Content-Type: message/rfc822

Subject: News
Content-Type: multipart/mixed; boundary=inner

--inner

Hello
--inner--

--=_b 1--
Behind the parts.
"""


def test_what_came_is_what_is_written() -> None:
    for data in (REPORT, REPORT.replace(b'\n', b'\r\n')):
        assert first_bytes(email.message_from_bytes(data), 10_000) == REPORT


@pytest.mark.parametrize('most', [0, 1, 100, 333, len(REPORT)])
def test_no_more_than_is_wanted(most: int) -> None:
    assert first_bytes(email.message_from_bytes(REPORT), most) == REPORT[:most]


def test_a_message_is_left_as_it_is() -> None:
    """Python's generator gives it a boundary where it has none."""
    msg = email.message.Message()
    msg['Content-Type'] = 'multipart/mixed'
    part = email.message.Message()
    part.set_payload('Hello\n')
    msg.attach(part)
    assert b'Hello' in first_bytes(msg, 1000)
    assert msg['Content-Type'] == 'multipart/mixed'


def test_parts_within_parts_end_somewhere() -> None:
    msg = email.message_from_string('Subject: inmost\n\nHello\n')
    for _ in range(3 * MAX_DEPTH):
        outer = email.message.Message()
        outer['Content-Type'] = 'message/rfc822'
        outer.set_payload([msg])
        msg = outer
    assert b'inmost' not in first_bytes(msg, 100_000)


@given(st.binary(max_size=400))
def test_whatever_comes_is_written(data: bytes) -> None:
    for msg in (parse(data), email.message_from_bytes(data), parse(REPORT + data)):
        written = first_bytes(msg, 200)
        assert len(written) <= 200
        assert first_bytes(msg, 1000).startswith(written)
