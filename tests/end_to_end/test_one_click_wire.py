# SPDX-License-Identifier: GPL-3.0-or-later
"""A footer and a way to leave in each delivered copy, and leaving by it (R15)."""

from __future__ import annotations

import base64
import re
from email import message_from_bytes
from email.message import Message
from html import unescape

import pytest

from qnet_mailman.demo.sink import Delivered
from qnet_mailman.demo.site import Site
from tests.end_to_end.conftest import LIST, POSTER, READER

READERS = (READER, 'quality@clinic.example.org', 'lee@example.org')
WEB_URL = 'https://lists.example.gov'


PLAIN = 'Grüße an alle.\r\n\r\nVon hier an'
PAGE = '<html><body><p>Gr&uuml;&szlig;e</p></body></html>'
CALENDAR = 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:PUBLISH\r\nEND:VCALENDAR'

#: Messages name a web side.
pytestmark = pytest.mark.site(qnet_cfg_overrides={'web_url': WEB_URL})


def multipart(sub: str, *parts: tuple[str, str]) -> tuple[str, bytes]:
    body = ''.join(
        f'--B\r\nContent-Type: {kind}; charset=utf-8\r\n'
        f'Content-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n'
        for kind, text in parts
    )
    return f'multipart/{sub}; boundary=B', f'{body}--B--\r\n'.encode()


BODIES = {
    'utf8-8bit': ('text/plain; charset=utf-8', PLAIN.encode()),
    'latin1': ('text/plain; charset=iso-8859-1', PLAIN.encode('latin-1')),
    'koi8': ('text/plain; charset=koi8-r', 'Здравствуйте.\r\n'.encode('koi8-r')),
    'html': ('text/html; charset=utf-8', PAGE.encode()),
    'flowed': ('text/plain; charset=utf-8; format=flowed', PLAIN.encode()),
    'alternative': multipart(
        'alternative',
        ('text/plain', PLAIN),
        ('text/html', PAGE),
        ('text/calendar; method=PUBLISH', CALENDAR),
    ),
    'mixed': multipart('mixed', ('text/plain', PLAIN), ('application/pdf', '%PDF')),
    'base64': (
        'text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64',
        base64.encodebytes((PLAIN * 30).encode()).replace(b'\n', b'\r\n'),
    ),
    'qp': (
        'text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable',
        b'Gr=C3=BC=C3=9Fe',
    ),
    'pdf': ('application/pdf\r\nContent-Transfer-Encoding: base64', b'JVBERi0=\r\n'),
}


def post(site: Site, subject: str, kind: str, body: bytes) -> None:
    head = (
        f'From: Pat Example <{POSTER}>\r\nTo: {LIST}\r\nSubject: {subject}\r\n'
        f'Message-ID: <{subject}@agency.example.gov>\r\nMIME-Version: 1.0\r\n'
        'List-Unsubscribe: <https://elsewhere.example.com/u>\r\n'
        f'Content-Type: {kind}\r\n'
    )
    if 'Transfer-Encoding' not in kind:
        head += 'Content-Transfer-Encoding: 8bit\r\n'
    site.lmtp_send(POSTER, LIST, head.encode() + b'\r\n' + body)


def token_of(copy: Delivered) -> str:
    """The token in a copy's header fields."""
    (value,) = message_from_bytes(copy.data).get_all('List-Unsubscribe', [])
    match = re.fullmatch(
        re.escape(f'<{WEB_URL}/unsubscribe/') + r'([a-z2-7]{72})/>,\s+'
        r'<mailto:hqr-updates-leave@lists\.example\.gov\?subject='
        r'unsubscribe%20([a-z2-7]{72})>',
        str(value).strip(),
    )
    assert match and match[1] == match[2], value
    assert copy.message['List-Unsubscribe-Post'] == 'List-Unsubscribe=One-Click'
    return match[1]


def linked_in(text: str) -> str:
    """The token of the one link to leave in a text."""
    (token,) = set(re.findall(rf'{WEB_URL}/unsubscribe/([a-z2-7]{{72}})/', text))
    return str(token)


def texts_of(msg: Message) -> dict[str, str]:
    """The texts of a message by their type."""
    found: dict[str, str] = {}
    for part in msg.walk():
        if part.get_content_maintype() == 'text':
            data = part.get_payload(decode=True)
            assert isinstance(data, bytes)
            text = data.decode(part.get_content_charset('us-ascii'))
            found[part.get_content_type()] = text.replace('\r\n', '\n')
    return found


@pytest.mark.long
def test_every_copy_has_its_footer_and_token(site: Site) -> None:
    for name, (kind, body) in BODIES.items():
        post(site, f'footer-{name}', kind, body)
    copies = site.delivered(
        lambda mail: mail.subject.startswith('footer-'),
        count=len(BODIES) * len(READERS),
        timeout=90,
    )
    site.wait_idle()
    assert not site.queued('shunt'), site.log_tails()
    tokens: dict[str, set[str]] = {}
    senders: set[str] = set()
    for copy in copies:
        name = copy.subject.removeprefix('footer-')
        assert len(copy.recipients) == 1
        token = token_of(copy)
        tokens.setdefault(name, set()).add(token)
        # Nobody's name is in it (R35).
        assert re.fullmatch(r'bounces\+[a-z2-7]{48}@.+', copy.mail_from)
        senders.add(copy.mail_from)
        texts = texts_of(message_from_bytes(copy.data))
        in_footer = linked_in('\n'.join(texts.values()))
        assert in_footer != token
        link = f'{WEB_URL}/unsubscribe/{in_footer}/'
        decorated = {kind for kind, text in texts.items() if link in text}
        expected = {'text/html'} if name == 'html' else {'text/plain'}
        if name == 'alternative':
            expected = {'text/plain', 'text/html'}
            assert texts['text/calendar'].strip().endswith('END:VCALENDAR')
        assert decorated == expected, name
        for kind in decorated:
            assert LIST in texts[kind]
            assert 'HQR Updates' in texts[kind]
            assert 'help@example.gov' in texts[kind]
            assert 'subject Unsubscribe' in unescape(texts[kind])
            assert texts[kind].count(link) == 1
        for other in texts.values():
            assert other.count('/unsubscribe/') == other.count(link)
    assert set(tokens) == set(BODIES)
    assert all(len(some) == len(READERS) for some in tokens.values())
    assert len(senders) == len(copies)


@pytest.mark.long
def test_a_click_and_the_next_post_does_not_come(site: Site) -> None:
    members = site.rest('GET', f'lists/{LIST}/roster/member').json()['entries']
    digested = next(m for m in members if m['email'] == READERS[1])
    answer = site.rest(
        'PATCH', f'members/{digested["member_id"]}', {'delivery_mode': 'mime_digests'}
    )
    assert answer.status_code == 204
    post(site, 'before', *BODIES['utf8-8bit'])
    copies = site.delivered(lambda mail: mail.subject == 'before', count=2)
    site.wait_idle()
    site.mailman('digests', '--send', '--list', LIST, check=True)
    (digest,) = site.delivered(
        lambda mail: READERS[1] in mail.recipients and 'Digest' in mail.subject
    )
    token = token_of(digest)
    # In the masthead and in the footer.
    parts = [
        bytes(part.get_payload(decode=True)).decode('latin-1')  # type: ignore[arg-type]
        for part in message_from_bytes(digest.data).walk()
        if part.get_content_type() == 'text/plain'
    ]
    link = f'{WEB_URL}/unsubscribe/{linked_in("".join(parts))}/'
    assert [link in part for part in parts].count(True) == 2
    tokens = {copy.recipients[0]: token_of(copy) for copy in copies}
    tokens[READERS[1]] = token
    for reader in (READERS[2], READERS[1]):
        for outcome in ('left', 'not subscribed'):
            answer = site.rest(
                'POST', 'plugins/qnet/unsubscribe', {'token': tokens[reader]}
            )
            assert answer.status_code == 200
            assert answer.json()['outcome'] == outcome
            assert answer.json()['fqdn_listname'] == LIST
    forged = site.rest('POST', 'plugins/qnet/unsubscribe', {'token': 'x' * 60})
    assert forged.status_code == 404
    left = site.rest('GET', f'lists/{LIST}/roster/member').json()['entries']
    assert {member['email'] for member in left} == {READER}
    (goodbye,) = site.delivered(
        lambda mail: READERS[2] in mail.recipients and 'no longer' in mail.subject
    )
    assert goodbye.message['List-Unsubscribe'] is None
    post(site, 'after', *BODIES['utf8-8bit'])
    site.delivered(lambda mail: mail.subject == 'after')
    site.wait_idle()
    after = [mail for mail in site.messages() if mail.subject == 'after']
    assert [mail.recipients for mail in after] == [(READER,)]


@pytest.mark.parametrize('verb', ['revoke', 'rotate'])
@pytest.mark.long
def test_keys_at_the_command_line(site: Site, verb: str) -> None:
    post(site, f'key-{verb}', *BODIES['utf8-8bit'])
    copy, *_ = site.delivered(lambda mail: mail.subject == f'key-{verb}')
    newest = site.mailman('qnet', 'keys', check=True).stdout.split()[-3]
    arguments = (newest,) if verb == 'revoke' else ()
    site.mailman('qnet', 'keys', verb, *arguments, check=True)
    answer = site.rest(
        'POST', 'plugins/qnet/unsubscribe/describe', {'token': token_of(copy)}
    )
    assert answer.status_code == (410 if verb == 'revoke' else 200)
