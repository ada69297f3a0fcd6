# SPDX-License-Identifier: GPL-3.0-or-later
"""Posts, bounce reports and bodies of requests that cost much to look at."""

from __future__ import annotations

import email
import io
from email.message import Message

import falcon.media

from bench.dear import Dear
from bench.dear.forms import SETTINGS, rows_of_nothing
from qnet_mailman.bounces.reading.classify import classify
from qnet_mailman.forms import loading
from qnet_mailman.masking import CannotMask, ListIdentity, Sender, mask
from qnet_mailman.rest.limits import MAX_VALUES, most_of, read_object

LIST = ListIdentity(
    'HQR Updates',
    'hqr-updates@lists.example.gov',
    'hqr-updates-owner@lists.example.gov',
    None,
    'lists.example.gov',
)
PAT = Sender(frozenset({'pat@agency.example.gov'}), frozenset({'Pat Example'}))


def _mask(content: bytes) -> Message | None:
    message = email.message_from_bytes(content)
    try:
        return mask(message, LIST, PAT, message_id='<x@lists.example.gov>', thread={})
    except CannotMask:
        return None


def _post(*lines: str) -> bytes:
    start = ('From: Pat Example <pat@agency.example.gov>', 'MIME-Version: 1.0')
    return '\r\n'.join((*start, *lines, '')).encode()


def many_recipients(count: int = 20_000) -> bytes:
    """A post to very many people."""
    people = ',\r\n '.join(f'"R {n}" <r{n}@example.org>' for n in range(count))
    return _post(f'To: {people}', '', 'x')


def long_calendar(count: int = 50_000) -> bytes:
    """An invitation for very many people."""
    people = [f'ATTENDEE;CN=R {n}:mailto:r{n}@example.org' for n in range(count)]
    return _post(
        'Content-Type: text/calendar; method=REQUEST',
        '',
        'BEGIN:VCALENDAR',
        'BEGIN:VEVENT',
        'ORGANIZER:mailto:pat@agency.example.gov',
        *people,
        'END:VEVENT',
        'END:VCALENDAR',
    )


def empty_lines(size: int = 1_000_000) -> bytes:
    """A report of empty lines."""
    return b'From: mailer-daemon@example.net\r\n\r\n' + b'\n' * size


def many_failures(count: int = 5_000) -> bytes:
    """A delivery status notification (RFC 3464) about very many recipients."""
    each = (
        'Final-Recipient: rfc822; r{n}@example.org\r\nAction: failed\r\n'
        'Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 unknown\r\n\r\n'
    )
    return (
        'From: mailer-daemon@example.net\r\nMIME-Version: 1.0\r\n'
        'Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n'
        '\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n'
        'Reporting-MTA: dns; mx.example.net\r\n\r\n'
        + ''.join(each.format(n=n) for n in range(count))
        + '--b--\r\n'
    ).encode()


MOST = most_of('/3.1/lists', 'application/json', SETTINGS)
"""Bytes of a request without files."""


def many_values() -> bytes:
    """JSON with as many values as are taken."""
    return b'{"a": [' + b','.join([b'{}'] * (MAX_VALUES // 2 - 9)) + b']}'


def escapes() -> bytes:
    """JSON whose one string has nothing but escapes."""
    return b'{"a": "' + b'\\u00e9' * ((MOST - 9) // 6) + b'"}'


def brackets() -> bytes:
    """JSON of nothing but beginnings."""
    return b'[' * MOST


def many_fields() -> bytes:
    """A submitted form (``application/x-www-form-urlencoded``) of small fields."""
    return b'&'.join(b'%d=' % n for n in range(MOST // 8))[:MOST]


def _submitted(content: bytes) -> object:
    handler = falcon.media.URLEncodedFormHandler()
    return handler.deserialize(io.BytesIO(content), None, len(content))


def _request_form(content: bytes) -> object:
    return list(loading.load_content('a.xlsx', content, SETTINGS))


INPUTS = (
    Dear('post', 'to 20,000 people', many_recipients, _mask),
    Dear('post', 'an invitation of 50,000', long_calendar, _mask),
    Dear('bounce', 'a million empty lines', empty_lines, classify),
    Dear('bounce', '5,000 failures', many_failures, classify),
    Dear('REST', 'JSON of small values', many_values, read_object),
    Dear('REST', 'JSON of escapes', escapes, read_object),
    Dear('REST', 'JSON of beginnings', brackets, read_object),
    Dear('REST', 'a submitted form of small fields', many_fields, _submitted),
    Dear('REST', 'forms/: a dear spreadsheet', rows_of_nothing, _request_form),
)
