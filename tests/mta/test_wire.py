# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivery byte by byte, and mail servers that misbehave (RFC 5321, R33)."""

from __future__ import annotations

import contextlib
import email
import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from mailman.config import config

from qnet_mailman.model.base import store
from qnet_mailman.model.lists import row_of, set_personal
from qnet_mailman.mta import connection, refusal
from qnet_mailman.mta.deliver import deliver
from qnet_mailman.mta.wire import LONGEST, in_seven_bits, with_line_ends
from qnet_mailman.runners.outgoing import OutgoingRunner
from tests.helpers import message

READERS = [f'reader{number}@example.net' for number in range(6)]
HEAD = (
    b'From: pat@agency.example.gov\nTo: news@lists.example.gov\nSubject: News\n'
    b'Message-ID: <1@example.net>\nMIME-Version: 1.0\nContent-Type: '
)
PLAIN = HEAD + b'text/plain; charset=utf-8\n\nNews.\n'
ALL = ('8BITMIME', 'SMTPUTF8', 'SIZE 10000000')

Answer = Callable[[bytes, int], 'str | None']

pytestmark = pytest.mark.mlist(members=READERS)


class Server(socketserver.ThreadingTCPServer):
    """A mail server that keeps every byte.

    :ivar answer: Given a command's first word and how often it was said; its reply, or
        an empty one to hang up; None for the usual reply.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(('127.0.0.1', 0), Handler)
        self.extensions: tuple[str, ...] = ALL
        self.answer: Answer = lambda verb, count: None
        self.said: list[bytes] = []
        self.data: list[bytes] = []
        self.count: dict[bytes, int] = {}

    def reply(self, verb: bytes, usual: str) -> str:
        self.count[verb] = self.count.get(verb, 0) + 1
        found = self.answer(verb, self.count[verb])
        return usual if found is None else found


class Handler(socketserver.StreamRequestHandler):
    server: Server

    def say(self, verb: bytes, usual: str) -> str:
        reply = self.server.reply(verb, usual)
        if reply:
            self.wfile.write(reply.encode() + b'\r\n')
        if not reply or reply.startswith('421'):
            raise ConnectionAbortedError
        return reply

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            self.talk()

    def talk(self) -> None:
        self.say(b'CONNECT', '220 mail.example.org')
        while line := self.rfile.readline():
            self.server.said.append(line)
            verb = line.split()[0].upper()
            if verb == b'EHLO':
                lines = ['mail.example.org', *self.server.extensions]
                usual = '\r\n'.join(
                    f'250{"-" if one is not lines[-1] else " "}{one}' for one in lines
                )
                self.say(verb, usual)
            elif verb == b'DATA':
                if self.say(verb, '354 Go on').startswith('354'):
                    data = b''
                    while not data.endswith(b'\r\n.\r\n'):
                        data += self.rfile.readline()
                    if self.say(b'.', '250 OK').startswith('250'):
                        self.server.data.append(data)
            elif verb == b'QUIT':
                self.say(verb, '221 Bye')
                return
            else:
                self.say(verb, '250 OK')


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """Mailman's mail server, in its configuration as well."""
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        config.push('server', f'[mta]\nsmtp_host: 127.0.0.1\nsmtp_port: {port}\n')
        yield server
        config.pop('server')
        server.shutdown()


@pytest.fixture
def server(core: Any, monkeypatch: Any) -> Iterator[Server]:
    # However slow the machine is, what is said is said in one order.
    monkeypatch.setattr(connection, 'PATIENCE', 60)
    with serving() as server:
        yield server


def send(mlist: Any, data: bytes, *recipients: str, **msgdata: Any) -> None:
    found = {'recipients': set(recipients or READERS), 'verp': True, **msgdata}
    deliver(mlist, message(data), found)


def unstuffed(data: bytes) -> bytes:
    """What a server makes of the bytes after DATA (RFC 5321 section 4.5.2)."""
    return re.sub(rb'(?m)^\.', b'', data.removesuffix(b'.\r\n'))


def parameters(server: Server) -> set[str]:
    lines = [line for line in server.said if line.upper().startswith(b'MAIL')]
    return {word for line in lines for word in line.decode().upper().split()[2:]}


# ---------------------------------------------------------------- line by line


@pytest.mark.parametrize('footer', [True, False])
@pytest.mark.parametrize('cte', [b'', b'\nContent-Transfer-Encoding: 8bit'])
def test_nobody_smuggles_commands(
    mlist: Any, server: Server, cte: bytes, footer: bool
) -> None:
    for ending in (b'\n.\n', b'\r.\r', b'\r\n.\r', b'\n.\r\n', b'\r.\n', b'\0\n.\r\n'):
        server.data.clear()
        evil = ending + b'MAIL FROM:<evil@example.com>\r\nRCPT TO:<x@example.com>\r\n'
        text = b'text/plain; charset=utf-8' + cte + b'\n\nGr\xc3\xbc\xc3\x9fe' + evil
        send(mlist, HEAD + text, READERS[0], nodecorate=not footer)
        (data,) = server.data
        assert re.search(rb'\r(?!\n)|(?<!\r)\n', data) is None
        assert data.count(b'\r\n.\r\n') == 1
        assert b'evil@example.com' in data
    assert not any(b'evil' in line for line in server.said)


def test_in_fields_and_around_parts(mlist: Any, server: Server) -> None:
    raw = (
        HEAD.replace(b'News\n', b'News\rX-Evil: yes\n', 1)
        + b'multipart/mixed; boundary=B\n\npre\r.\ramble\n--B\n\na\n--B--\nepi\r.\r\n'
    )
    send(mlist, raw, READERS[0])
    (data,) = server.data
    assert re.search(rb'\r(?!\n)|(?<!\r)\n', data) is None


@pytest.mark.parametrize(
    'data', [b'', b'a', b'a\nb', b'\r\r\n', b'\n\r', b'a\r\nb\r\n']
)
def test_line_ends(data: bytes) -> None:
    fixed = with_line_ends(data)
    assert re.search(rb'\r(?!\n)|(?<!\r)\n', fixed) is None
    assert with_line_ends(fixed) == fixed
    assert re.split(rb'\r\n|\r|\n', data) == fixed.split(b'\r\n')


def test_dots_are_stuffed(mlist: Any, server: Server) -> None:
    text = b'.\n..\n.a\nb.\n...\n'
    send(mlist, HEAD + b'text/plain\n\n' + text, READERS[0], nodecorate=True)
    (data,) = server.data
    assert b'\r\n\r\n..\r\n...\r\n..a\r\nb.\r\n....\r\n.\r\n' in data
    assert unstuffed(data).endswith(b'\r\n\r\n' + text.replace(b'\n', b'\r\n'))


@pytest.mark.parametrize('kind', ['text/plain', 'text/html', 'application/pdf'])
@pytest.mark.parametrize('length', [LONGEST, LONGEST + 1, 20_000])
def test_long_lines(mlist: Any, server: Server, kind: str, length: int) -> None:
    line = 'ü' * (length // 2) + 'x' * (length % 2)
    field = f'{kind}; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n'
    send(mlist, HEAD + f'{field}a\n{line}\nb\n'.encode(), READERS[0])
    (data,) = server.data
    assert max(map(len, data.split(b'\r\n'))) <= LONGEST
    part = next(
        part
        for part in email.message_from_bytes(unstuffed(data)).walk()
        if part.get_content_type() == kind
    )
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    text = content.decode().replace('\r\n', '\n')
    assert f'a\n{line}\nb\n' in text
    encoded = part['content-transfer-encoding'] in ('quoted-printable', 'base64')
    assert encoded == (length > LONGEST)


# ----------------------------------------------------------------- eight bits


BOTH = (
    HEAD + b'multipart/mixed; boundary=B\nContent-Transfer-Encoding: 8bit\n\n--B\n'
    b'Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n'
    b'Gr\xc3\xbc\xc3\x9fe = \xe2\x82\xac.\n--B\nContent-Type: text/plain\n\nPlain.\n'
    b'--B\nContent-Type: application/octet-stream\n\n\xff\xfe\x80 bytes\n--B--\n'
)


def test_a_server_is_told_of_eight_bits(mlist: Any, server: Server) -> None:
    send(mlist, BOTH, READERS[0])
    assert 'BODY=8BITMIME' in parameters(server)
    assert 'Grüße = €.'.encode() in server.data[0]
    server.said.clear()
    send(mlist, PLAIN, READERS[0])
    assert 'BODY=8BITMIME' not in parameters(server)


@pytest.mark.parametrize('extensions', [(), ('SMTPUTF8',)])
def test_a_server_that_takes_seven_bits(
    mlist: Any, server: Server, extensions: tuple[str, ...]
) -> None:
    server.extensions = extensions
    send(mlist, BOTH)
    assert 'BODY=8BITMIME' not in parameters(server)
    assert len(server.data) == len(READERS)
    for data in server.data:
        assert data.isascii()
        msg = email.message_from_bytes(unstuffed(data))
        assert msg['content-transfer-encoding'] == '7bit'
        parts = [one for one in msg.walk() if not one.is_multipart()]
        contents = [one.get_payload(decode=True) for one in parts]
        assert b'Gr\xc3\xbc\xc3\x9fe = \xe2\x82\xac.' in contents[0].strip()  # type: ignore[union-attr]
        assert b'\xff\xfe\x80 bytes' in [one.strip() for one in contents]  # type: ignore[union-attr]
        assert any(b'/unsubscribe/' in one for one in contents)  # type: ignore[operator]
    assert len({re.search(rb'unsubscribe/[\w-]+', one)[0] for one in server.data}) == 6  # type: ignore[index]


def test_seven_bits_leave_what_has_no_others() -> None:
    data = PLAIN.replace(b'\n', b'\r\n')
    assert in_seven_bits(data) == data


RAW_FIELDS = (
    b'From: J\xc3\xbcrgen <pat@agency.example.gov>\nTo: news@lists.example.gov\n'
    b'Cc: gr\xc3\xbc\xc3\x9fe@example.org, x@gr\xc3\xbcn.example.org\n'
    b'Subject: Gr\xc3\xbc\xc3\x9fe\nX-Note: \xfc\n'
    b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=B\n\npre\xc3\xbc\n'
    b'--B\nContent-Type: application/pdf; name="\xc3\xbc.pdf"\n\n%PDF\n'
    b'--B\nContent-Type: message/rfc822\n\nSubject: \xc3\xbc\n\nForwarded.\n--B--\n'
)


@pytest.mark.parametrize('personal', [True, False])
@pytest.mark.parametrize('extensions', [ALL, ('8BITMIME',), ('SMTPUTF8',), ()])
def test_no_server_needs_utf8_for_the_header(
    mlist: Any, server: Server, extensions: tuple[str, ...], personal: bool
) -> None:
    server.extensions = extensions
    send(mlist, RAW_FIELDS, READERS[0], **({} if personal else {'to_owner': True}))
    (data,) = server.data
    head, _, rest = data.partition(b'\r\n\r\n')
    lines = set(head.split(b'\r\n'))
    assert {
        b'From: =?utf-8?b?SsO8cmdlbg==?= <pat@agency.example.gov>',
        b'Cc: x@xn--grn-ioa.example.org,',
        b' =?utf-8?b?Z3LDvMOfZUBleGFtcGxlLm9yZywgeEBncsO8bi5leGFtcGxl?=',
        b' =?utf-8?b?Lm9yZw==?= :;',
        b'Subject: =?utf-8?b?R3LDvMOfZQ==?=',
        b'X-Note: =?utf-8?b?w7w=?=',
    } <= lines
    assert head.isascii()
    # What is inside stays as it is where the server takes it.
    assert ('BODY=8BITMIME' in parameters(server)) == ('8BITMIME' in extensions)
    assert 'SMTPUTF8' not in parameters(server)
    assert (b'name="\xc3\xbc.pdf"' in rest) == ('8BITMIME' in extensions)
    assert (b'Subject: \xc3\xbc' in rest) == ('8BITMIME' in extensions)
    if '8BITMIME' not in extensions:
        assert data.isascii()
        assert b"name*=utf-8''%C3%BC.pdf" in rest
        assert b'Subject: =?utf-8?b?w7w=?=' in rest


def test_addresses_beyond_ascii(mlist: Any, server: Server) -> None:
    send(mlist, PLAIN, 'grüße@example.org', READERS[0])
    # From Python 3.13 on what smtplib says is in small letters.
    said = [line.lower() for line in server.said]
    assert any('to:<grüße@example.org>'.encode() in line for line in said)
    mails = [line for line in said if line.startswith(b'mail from')]
    assert sorted(b'smtputf8' in one for one in mails) == [False, True]
    assert all(one.isascii() for one in mails)
    assert len(server.data) == 2


@pytest.mark.parametrize('extensions', [(), ('8BITMIME',)])
def test_a_server_without_such_addresses(
    mlist: Any, server: Server, extensions: tuple[str, ...]
) -> None:
    server.extensions = extensions
    strangers = [f'grüße{number}@example.org' for number in range(5)]
    with pytest.raises(refusal.RecipientsFailed) as failed:
        send(mlist, PLAIN, *strangers, *READERS)
    # Our own server's fault: no bounce of theirs, and nobody else has to wait.
    assert not failed.value.permanent_failures
    assert set(failed.value.replies) == set(strangers)
    assert {code for code, _ in failed.value.replies.values()} == {refusal.NO_REPLY}
    assert len(server.data) == len(READERS)


# ------------------------------------------------------------ servers that fail


def after(verb: bytes, number: int, reply: str) -> Answer:
    """From the `number`-th time on, this reply to a command."""
    return lambda said, count: reply if said == verb and count >= number else None


@pytest.mark.parametrize('reply', ['', '421 4.3.2 Shutting down'])
@pytest.mark.parametrize('verb', [b'MAIL', b'RCPT', b'DATA', b'.'])
def test_a_server_that_goes_away(
    mlist: Any, server: Server, verb: bytes, reply: str
) -> None:
    server.answer = after(verb, 3, reply)
    with pytest.raises(refusal.RecipientsFailed) as failed:
        send(mlist, PLAIN)
    assert not failed.value.permanent_failures
    assert sorted(failed.value.replies) == READERS[2:]
    # Nothing of this is ever the fault of a recipient.
    assert {code for code, _ in failed.value.replies.values()} == {refusal.NO_REPLY}
    assert len(server.data) == 2
    # The last one was not tried.
    tried = 2 + connection.MAX_UNANSWERED
    assert server.count[verb] == tried


def test_a_server_that_is_back_soon(mlist: Any, server: Server) -> None:
    server.answer = lambda verb, count: '' if verb == b'.' and count % 2 else None
    with pytest.raises(refusal.RecipientsFailed) as failed:
        send(mlist, PLAIN)
    assert sorted(failed.value.replies) == READERS[::2]
    assert len(server.data) == 3


@pytest.mark.parametrize(
    ('verb', 'reply'),
    [
        (b'CONNECT', '554 No SMTP service here'),
        (b'EHLO', '550 5.7.1 Go away'),
        (b'MAIL', '550 5.7.1 Sender rejected'),
        (b'MAIL', '530 5.7.0 Authentication required'),
    ],
)
def test_a_server_that_refuses_us(
    mlist: Any, server: Server, verb: bytes, reply: str
) -> None:
    server.answer = lambda said, count: (
        reply if said == verb or (verb, said) == (b'EHLO', b'HELO') else None
    )
    with pytest.raises(refusal.RecipientsFailed) as failed:
        send(mlist, PLAIN)
    assert not failed.value.permanent_failures
    assert sorted(failed.value.replies) == READERS
    assert {code for code, _ in failed.value.replies.values()} == {refusal.NO_REPLY}


def test_a_server_that_refuses_our_password(mlist: Any, server: Server) -> None:
    server.extensions = ('AUTH PLAIN LOGIN',)
    server.answer = after(b'AUTH', 1, '535 5.7.8 Wrong')
    config.push('password', '[mta]\nsmtp_user: lists\nsmtp_pass: wrong\n')
    try:
        with pytest.raises(refusal.RecipientsFailed) as failed:
            send(mlist, PLAIN)
    finally:
        config.pop('password')
    assert not failed.value.permanent_failures


@pytest.mark.parametrize(
    'said',
    [
        '552 5.3.4 Message size exceeds limit',
        '552 no',
        '534 5.3.4 too big',
        '550 size above the limit',
    ],
)
def test_a_message_that_is_too_large(mlist: Any, server: Server, said: str) -> None:
    """Refused before a recipient was named, it is no recipient's bounce (R36)."""
    server.answer = after(b'MAIL', 1, said)
    with pytest.raises(refusal.RecipientsFailed) as failed:
        send(mlist, PLAIN, READERS[0])
    assert not failed.value.permanent_failures
    assert [code for code, _ in failed.value.replies.values()] == [refusal.NO_REPLY]
    assert failed.value.too_large == said


@pytest.mark.parametrize('said', ['501 5.1.7 bad sender', '553 Localpart too odd'])
def test_a_sender_that_is_refused(mlist: Any, server: Server, said: str) -> None:
    server.answer = after(b'MAIL', 1, said)
    with pytest.raises(refusal.RecipientsFailed) as failed:
        send(mlist, PLAIN, READERS[0])
    assert not failed.value.permanent_failures
    assert not failed.value.too_large


def test_refusals_are_their_recipients(mlist: Any, server: Server) -> None:
    replies = {1: '550 5.1.1 No such user', 2: '451 4.7.1 Greylisted'}
    server.answer = lambda verb, count: replies.get(count) if verb == b'RCPT' else None
    with pytest.raises(refusal.RecipientsFailed) as failed:
        send(mlist, PLAIN)
    assert [one[0] for one in failed.value.permanent_failures] == READERS[:1]
    assert failed.value.replies == {READERS[1]: (451, '4.7.1 Greylisted')}
    assert len(server.data) == 4


# ------------------------------------------------------------ one copy for all


def test_one_message_for_all(mlist: Any, server: Server) -> None:
    set_personal(mlist, False)
    config.db.commit()
    config.switchboards['out'].enqueue(
        message(PLAIN), listid=mlist.list_id, recipients=set(READERS)
    )
    OutgoingRunner('out')._one_iteration()
    (data,) = server.data
    (mail,) = [line for line in server.said if line.startswith(b'mail ')]
    assert re.search(rb'from:<bounces\+[a-z2-7]{48}@lists\.example\.gov>', mail.lower())
    assert server.count[b'RCPT'] == len(READERS)
    msg = email.message_from_bytes(unstuffed(data))
    assert msg['list-unsubscribe'] == '<mailto:news1-leave@lists.example.gov>'
    assert msg['list-unsubscribe-post'] is None
    assert b'mailto:news1-leave@lists.example.gov' in data
    assert b'/unsubscribe/' not in data


def test_a_notice_is_personal_all_the_same(mlist: Any, server: Server) -> None:
    set_personal(mlist, False)
    raw = PLAIN.replace(b'To: news@lists.example.gov', f'To: {READERS[0]}'.encode())
    send(mlist, raw, READERS[0], reduced_list_headers=True)
    assert b'/unsubscribe/' in server.data[0]


def test_only_lists_of_ours_have_the_choice(mlist: Any) -> None:
    store().delete(row_of(mlist))
    store().flush()
    with pytest.raises(LookupError):
        set_personal(mlist, False)
