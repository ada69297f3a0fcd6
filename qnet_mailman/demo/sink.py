# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail server that delivers nothing further and shows what it got.

Every message is kept as two files in one folder: ``000001.eml``, byte for byte,
and ``000001.json`` with its envelope (``from``, ``to``, ``subject``, ``time``).
The second appears last and complete, so whoever sees it may read both.

A small page on another port lists the messages and links to their text.  There
too it can be told to refuse addresses, for tests of bounces:

    GET /               the page
    GET /messages.json  the envelopes
    GET /raw/NUMBER     a message as it came
    GET /refusals       what is refused
    PUT /refusals       set it: {"ADDRESS": {"reply": "550 5.1.1 No", "at": "rcpt"}}

It can also pass mail for one domain on to a server that speaks LMTP, as the
mail server of a host does with mail for the lists: what Mailman writes to
``LIST-owner@`` goes back to Mailman, which sends it to the administrators.  What
that server refuses is kept here.

An ADDRESS is ``user@host``, ``@host`` for all of a host, or ``*``; ``at`` is
``rcpt`` or ``data``.

Run by itself: ``python -m qnet_mailman.demo.sink --help``.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import json
import signal
import smtplib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from qnet_mailman.demo.ports import HOST


@dataclass(frozen=True)
class Delivered:
    """One message as it reached the mail server."""

    number: int
    #: The envelope sender (reverse-path); empty for notices and bounces.
    mail_from: str
    #: The envelope recipients.
    recipients: tuple[str, ...]
    #: The message's bytes.
    data: bytes

    @cached_property
    def message(self) -> EmailMessage:
        """The message, parsed."""
        return message_from_bytes(self.data, policy=policy.default)

    @cached_property
    def subject(self) -> str:
        """The subject, decoded; empty where there is none."""
        return str(self.message.get('subject', ''))

    @cached_property
    def text(self) -> str:
        """The plain text; empty where there is none."""
        body = self.message.get_body(('plain',))
        return '' if body is None else str(body.get_content())

    @classmethod
    def load(cls, folder: Path, number: int) -> Delivered | None:
        """Read a message back.

        :param folder: The folder of the messages.
        :param number: Which message.
        :return: The message, or None while there is none of that number.
        """
        try:
            envelope = json.loads((folder / f'{number:06}.json').read_text('utf-8'))
        except FileNotFoundError:
            return None
        data = (folder / f'{number:06}.eml').read_bytes()
        return cls(number, envelope['from'], tuple(envelope['to']), data)


@dataclass(frozen=True)
class Refusal:
    """How an address is refused."""

    #: The SMTP reply, such as ``550 5.1.1 No such user``.
    reply: str
    #: At which command: ``rcpt`` or ``data``.
    at: str = 'rcpt'

    def __post_init__(self) -> None:
        if self.at not in ('rcpt', 'data'):
            raise ValueError(f'at: expected rcpt or data, not {self.at!r}')
        if self.reply[:1] not in ('4', '5') or not self.reply[:3].isdigit():
            raise ValueError(f'reply: expected 4xx or 5xx and text: {self.reply!r}')


#: Tells whether, and how, a recipient is refused.
Refuse = Callable[[str], Refusal | None]


class Sink:
    """The mail server and its page."""

    def __init__(
        self,
        folder: Path,
        *,
        smtp_port: int,
        http_port: int | None = None,
        refuse: Refuse | None = None,
        pass_on: tuple[str, int] | None = None,
    ) -> None:
        """Prepare the servers; :meth:`start` starts them.

        :param folder: Where messages are kept; made if need be.  Messages that
            are there already stay and are listed.
        :param smtp_port: The port for mail.
        :param http_port: The port of the page; None for no page.
        :param refuse: Asked first which recipients to refuse.
        :param pass_on: A mail domain, and the port of the LMTP server that takes
            its mail.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.refusals: dict[str, Refusal] = {}
        self._refuse = refuse
        self._pass_on = pass_on
        self._lock = threading.Lock()
        self._count = max(
            (int(path.stem) for path in folder.glob('[0-9]*.json')), default=0
        )
        self._smtp = Controller(
            self,
            hostname=HOST,
            port=smtp_port,
            server_hostname='mail.example.org',
            data_size_limit=0,
            enable_SMTPUTF8=True,
        )
        self._http: ThreadingHTTPServer | None = None
        if http_port is not None:
            self._http = ThreadingHTTPServer((HOST, http_port), _handler(self))
            self._http.daemon_threads = True

    def start(self) -> None:
        """Start to accept mail and requests."""
        self._smtp.start()
        if self._http is not None:
            threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Stop both servers."""
        self._smtp.stop(no_assert=True)
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()

    def messages(self) -> list[Delivered]:
        """All messages, in the order in which they came."""
        found = (Delivered.load(self.folder, n + 1) for n in range(self._count))
        return [message for message in found if message is not None]

    def refusal(self, address: str, at: str) -> str | None:
        """The reply that refuses a recipient.

        :param address: The recipient.
        :param at: The SMTP command, ``rcpt`` or ``data``.
        :return: The reply, or None to accept.
        """
        found = self._refuse(address) if self._refuse is not None else None
        if found is None:
            domain = '@' + address.rpartition('@')[2]
            for key in (address, domain, '*'):
                found = self.refusals.get(key.lower())
                if found is not None:
                    break
        return found.reply if found is not None and found.at == at else None

    async def handle_RCPT(
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        """Accept or refuse a recipient (called by aiosmtpd)."""
        reply = self.refusal(address, 'rcpt')
        if reply is not None:
            return reply
        envelope.rcpt_tos.append(address)
        return '250 OK'

    async def handle_DATA(
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Keep or refuse a message (called by aiosmtpd)."""
        for address in envelope.rcpt_tos:
            reply = self.refusal(address, 'data')
            if reply is not None:
                return reply
        data = envelope.content
        assert isinstance(data, bytes)
        # aiosmtpd gives the empty sender as it was written.
        mail_from = (envelope.mail_from or '').removeprefix('<>')
        recipients = list(envelope.rcpt_tos)
        if self._pass_on is not None:
            domain, port = self._pass_on
            ours = [to for to in recipients if to.lower().endswith('@' + domain)]
            if ours:
                try:
                    refused = await asyncio.to_thread(
                        _pass_on, port, mail_from, ours, data
                    )
                except (OSError, smtplib.SMTPException) as error:
                    return f'451 4.3.0 {" ".join(str(error).split())}'
                recipients = [
                    to for to in recipients if to not in ours or to in refused
                ]
        if recipients:
            self.keep(mail_from, recipients, data)
        return '250 OK'

    def keep(self, mail_from: str, recipients: list[str], data: bytes) -> None:
        """Write a message to the folder.

        :param mail_from: The envelope sender.
        :param recipients: The envelope recipients.
        :param data: The message.
        """
        envelope = {
            'from': mail_from,
            'to': recipients,
            'subject': _subject(data),
            'time': time.time(),
        }
        with self._lock:
            number = self._count + 1
            (self.folder / f'{number:06}.eml').write_bytes(data)
            # Renamed into place, so that no reader sees half of it.
            draft = self.folder / f'{number:06}.json.new'
            draft.write_text(json.dumps(envelope), 'utf-8')
            draft.replace(draft.with_suffix(''))
            self._count = number

    def envelopes(self) -> list[dict[str, Any]]:
        """The envelopes of all messages, with their numbers."""
        return [
            {'number': n + 1}
            | json.loads((self.folder / f'{n + 1:06}.json').read_text('utf-8'))
            for n in range(self._count)
        ]


def _pass_on(port: int, mail_from: str, recipients: list[str], data: bytes) -> set[str]:
    """Hand a message to an LMTP server.

    :param port: The server's port.
    :param mail_from: The envelope sender.
    :param recipients: The envelope recipients.
    :param data: The message.
    :return: The recipients that it refused for good.
    """
    with smtplib.LMTP(HOST, port) as lmtp:
        try:
            refused = lmtp.sendmail(mail_from, recipients, data)
        except smtplib.SMTPRecipientsRefused as error:
            refused = error.recipients
    if any(code < 500 for code, _reply in refused.values()):
        raise smtplib.SMTPRecipientsRefused(refused)
    return set(refused)


def _subject(data: bytes) -> str:
    """The subject of a message, or what to show in its place."""
    try:
        head = data.partition(b'\r\n\r\n')[0]
        return str(message_from_bytes(head, policy=policy.default)['subject'] or '')
    except Exception:  # Tests send what no parser likes.
        return '(unreadable)'


PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Delivered mail</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto;
       padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .6rem;
         border-bottom: 1px solid #bbb; overflow-wrap: anywhere; }}
</style></head>
<body><h1>Delivered mail</h1>
<p>{count} as the mail server received them, newest first. Reload the page for
more. The files are in <code>{folder}</code>.</p>
<table><thead><tr><th>No.</th><th>Subject</th><th>Envelope sender</th><th>To</th></tr>
</thead><tbody>
{rows}
</tbody></table></body></html>
"""
#: The page lists no more than this many messages.
PAGE_ROWS = 500


def _page(sink: Sink) -> str:
    """The page that lists the messages."""
    envelopes = sink.envelopes()
    rows = '\n'.join(
        '<tr><td>{n}</td><td><a href="/raw/{n}">{subject}</a></td>'
        '<td>{sender}</td><td>{to}</td></tr>'.format(
            n=envelope['number'],
            subject=html.escape(envelope['subject'] or '(no subject)'),
            sender=html.escape(envelope['from'] or '(empty)'),
            to=html.escape(', '.join(envelope['to'])),
        )
        for envelope in envelopes[: -PAGE_ROWS - 1 : -1]
    )
    count = '1 message' if len(envelopes) == 1 else f'{len(envelopes)} messages'
    return PAGE.format(count=count, folder=html.escape(str(sink.folder)), rows=rows)


def _handler(sink: Sink) -> type[BaseHTTPRequestHandler]:
    """The request handler of one sink's page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self._is_local():
                return
            if self.path == '/':
                self._answer('text/html; charset=utf-8', _page(sink).encode())
            elif self.path == '/messages.json':
                self._answer('application/json', json.dumps(sink.envelopes()).encode())
            elif self.path == '/refusals':
                refusals = {key: vars(value) for key, value in sink.refusals.items()}
                self._answer('application/json', json.dumps(refusals).encode())
            elif self.path.startswith('/raw/') and self.path[5:].isdigit():
                found = Delivered.load(sink.folder, int(self.path[5:]))
                if found is None:
                    self.send_error(HTTPStatus.NOT_FOUND)
                else:
                    self._answer('text/plain; charset=utf-8', found.data)
            else:
                self.send_error(HTTPStatus.NOT_FOUND)

        def do_PUT(self) -> None:
            if not self._is_local():
                return
            if self.path != '/refusals':
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
            try:
                refusals = {
                    str(address).lower(): Refusal(**how)
                    for address, how in json.loads(body).items()
                }
            except (ValueError, TypeError, AttributeError) as error:
                self.send_error(HTTPStatus.BAD_REQUEST, explain=str(error))
                return
            sink.refusals = refusals
            self._answer('application/json', b'{}')

        def _is_local(self) -> bool:
            # A page from elsewhere whose name was made to point to loopback
            # names itself here.
            host = (self.headers.get('Host') or '').rpartition(':')[0]
            if host in (HOST, 'localhost'):
                return True
            self.send_error(HTTPStatus.FORBIDDEN)
            return False

        def _answer(self, kind: str, body: bytes) -> None:
            self.send_response(HTTPStatus.OK)
            self.send_header('Content-Type', kind)
            self.send_header('Content-Length', str(len(body)))
            self.send_header('X-Content-Type-Options', 'nosniff')
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    return Handler


def main() -> None:
    """Run until told to stop."""
    parser = argparse.ArgumentParser(
        prog='python -m qnet_mailman.demo.sink',
        description='A mail server that keeps what it gets in a folder.',
    )
    parser.add_argument('folder', type=Path)
    parser.add_argument('--smtp-port', type=int, required=True)
    parser.add_argument('--http-port', type=int)
    parser.add_argument(
        '--pass-on',
        metavar='DOMAIN=PORT',
        help='give mail for a domain to the LMTP server on this port',
    )
    options = parser.parse_args()
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    domain, _, port = (options.pass_on or '').partition('=')
    sink = Sink(
        options.folder,
        smtp_port=options.smtp_port,
        http_port=options.http_port,
        pass_on=(domain, int(port)) if port else None,
    )
    sink.start()
    done.wait()
    sink.stop()


if __name__ == '__main__':
    main()
