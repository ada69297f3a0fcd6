# SPDX-License-Identifier: GPL-3.0-or-later
"""The attack: a post whose From no program can read, which a moderator lets pass.

Who is the author, the list does not know; every reader would.  It leaves without
them all the same (R8).
"""

from __future__ import annotations

import email
from typing import Any

import pytest

from qnet_mailman.demo.site import Site
from tests.end_to_end.conftest import LIST, READER
from tests.masking.authors import ENDS, Author, from_line, what_is_left

PAT = Author('Pat Q. Strange', 'strange@agency.test')
READABLE = {
    'plain',
    'quoted',
    'comment',
    'unclosed',
    'spaces',
    'comment inside',
    'route',
    'only the address',
}
"""Ways to write From that Mailman takes for a person who is not masked here."""

FROM_LINES = {
    **{end: [from_line(PAT, end, str)] for end in ENDS if end not in READABLE},
    'empty': [b''],
    'nobody': [b'undisclosed-recipients:;'],
    'twice': [from_line(PAT, 'plain', str), b'Kim Other <kim@other.test>'],
    'none': [],
}


def post(subject: str, from_lines: list[bytes]) -> bytes:
    name, address = PAT.name.encode(), PAT.address.encode()
    lines = [
        b'Received: from laptop (laptop.agency.test [192.0.2.7]) by mx.example.gov',
        *(b'From: ' + line for line in from_lines),
        b'Sender: ' + name + b' <' + address + b'>',
        b'Reply-To: ' + address,
        b'To: ' + LIST.encode() + b', ' + name + b' <' + address + b'>',
        b'Cc: "' + name + b'" <strange.home@home.test>',
        b'Subject: ' + subject.encode() + b' by ' + name,
        b'Message-ID: <' + subject.encode() + b'@laptop.agency.test>',
        b'X-Sender: ' + address,
        b'MIME-Version: 1.0',
        b'Content-Type: multipart/mixed; boundary=b',
        b'',
        b'--b',
        b'Content-Type: text/plain; name="' + name + b'.txt"',
        b'',
        b'Text of ' + subject.encode(),
        b'--b',
        b'Content-Type: text/calendar; method=REQUEST',
        b'',
        b'BEGIN:VCALENDAR',
        b'ORGANIZER;CN="' + name + b'":mailto:' + address,
        b'END:VCALENDAR',
        b'--b',
        b'Content-Type: text/vcard',
        b'',
        b'BEGIN:VCARD',
        b'FN:' + name,
        b'END:VCARD',
        b'--b--',
        b'',
    ]
    return b'\r\n'.join(lines)


def held(site: Site) -> list[dict[str, Any]]:
    answer = site.rest('GET', f'lists/{LIST}/held').json()
    return answer.get('entries', [])


@pytest.mark.parametrize('mask', ['administrators', 'everyone'])
def test_it_leaves_without_its_author(site: Site, mask: str) -> None:
    site.mailman('qnet', 'set', LIST, f'mask={mask}', check=True)
    mark = len(site.messages())
    for number, lines in enumerate(FROM_LINES.values()):
        site.lmtp_send(PAT.address, LIST, post(f'{mask}{number}', lines))
    site.wait_idle()
    waiting = held(site)
    assert len(waiting) == len(FROM_LINES)
    for request in waiting:
        answer = site.rest(
            'POST', f'lists/{LIST}/held/{request["request_id"]}', {'action': 'accept'}
        )
        assert answer.status_code == 204
    copies = site.delivered(
        lambda mail: mail.number > mark and READER in mail.recipients,
        count=len(FROM_LINES),
        timeout=90,
    )
    site.wait_idle()
    assert not site.queued('shunt'), site.log_tails()
    texts = set()
    for copy in copies:
        assert PAT.address not in copy.mail_from
        read = email.message_from_bytes(copy.data)
        assert what_is_left(read, PAT) == []
        texts.add(
            next(
                line for line in copy.data.splitlines() if line.startswith(b'Text of ')
            )
        )
    assert len(texts) == len(FROM_LINES)
    archived = (site.var / 'archives').rglob('new/*')
    for path in archived:
        read = email.message_from_bytes(path.read_bytes())
        assert what_is_left(read, PAT) == []
