# SPDX-License-Identifier: GPL-3.0-or-later
"""A meeting that one person called and another updates or cancels (R9, RFC 5546)."""

from __future__ import annotations

import icalendar
import pytest

from qnet_mailman.masking import Sender
from tests.masking.tools import PAT, masked

KIM = Sender(frozenset({'kim@agency.example.gov'}), frozenset({'Kim Other'}))
PEOPLE = {'Pat Example': PAT, 'Kim Other': KIM}
ADDRESSES = {
    'Pat Example': 'pat@agency.example.gov',
    'Kim Other': 'kim@agency.example.gov',
}


def meeting(method: str, author: str, uid: str, organizer: str = 'Pat Example') -> str:
    """A calendar that an author sends about a meeting, as readers get it."""
    lines = [
        f'From: {author} <{ADDRESSES[author]}>',
        f'Content-Type: text/calendar; method={method}',
        '',
        'BEGIN:VCALENDAR',
        'VERSION:2.0',
        'PRODID:-//Example//EN',
        f'METHOD:{method}',
        'BEGIN:VEVENT',
        f'UID:{uid}',
        'DTSTAMP:20261130T080000Z',
        f'ORGANIZER;CN="{organizer}":mailto:{ADDRESSES[organizer]}',
        f'ATTENDEE;CN="{organizer}";PARTSTAT=ACCEPTED:mailto:{ADDRESSES[organizer]}',
        'ATTENDEE;CN="HQR Updates":mailto:hqr-updates@lists.example.org',
        f'X-OWNER:{ADDRESSES[organizer]}',
        'SUMMARY:Training',
        'END:VEVENT',
        'END:VCALENDAR',
        '',
    ]
    result = masked('\n'.join(lines).encode(), sender=PEOPLE[author])
    return result.get_payload(decode=True).decode()


@pytest.mark.parametrize(
    'uid',
    [
        'pat-2026-11-30@laptop7.agency.example.gov',
        'b57a9a5c-77a8-4dd6-ae80-0b8dcbd0d4a3',
        'B57A9A5C-77A8-4DD6-AE80-0B8DCBD0D4A3@agency.example.gov',
        '040000008200E00074C5B7101A82E00800000000' + '9A' * 36,
        '040000008200E00074C5B7101A82E008' + b'vCal-Uid pat@agency'.hex().upper(),
        '2vjq8k0ucl7gq5m8d1o3v9e6t4@google.com',
        'Training of Pat Example',
    ],
)
def test_who_cancels_finds_the_meeting_and_names_nobody(uid: str) -> None:
    found = []
    for method, author in (
        ('REQUEST', 'Pat Example'),
        ('REQUEST', 'Kim Other'),
        ('CANCEL', 'Kim Other'),
        ('CANCEL', 'Pat Example'),
    ):
        text = meeting(method, author, uid)
        for trace in ('pat@', 'kim@', 'Pat Example', 'Kim Other', 'laptop7'):
            assert trace.lower() not in text.lower(), (trace, text)
        (event,) = icalendar.Calendar.from_ical(text).walk('VEVENT')
        found.append((str(event['uid']), str(event['organizer'])))
        assert str(event['attendee']).endswith('hqr-updates@lists.example.org')
    assert len(set(found)) == 1
    assert found[0][1] == 'mailto:hqr-updates-owner@lists.example.org'


def test_other_meetings_have_other_uids() -> None:
    uids = {
        icalendar.Calendar.from_ical(meeting('REQUEST', 'Pat Example', uid)).walk(
            'VEVENT'
        )[0]['uid']
        for uid in ('1@agency.example.gov', '2@agency.example.gov')
    }
    assert len(uids) == 2
