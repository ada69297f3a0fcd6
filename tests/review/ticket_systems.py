# SPDX-License-Identifier: GPL-3.0-or-later
"""Ticket systems on loopback: one that hears of steps, and a stub of ServiceNow's.

The stub does what the public documentation says of the Table API: GET with
`sysparm_query`, `sysparm_fields` and `sysparm_limit`; POST inserts and answers 201 with
the record as `result`; PATCH changes the fields given; 401 for other credentials, 404
for no such record.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any]


@dataclass
class Heard:
    """One request."""

    method: str
    path: str
    headers: Any
    body: bytes

    @property
    def step(self) -> dict[str, Any]:
        """The step in it."""
        return dict(json.loads(self.body))


@contextmanager
def serving(answer: Callable[[Heard], Answer]) -> Iterator[str]:
    """A server on a free port; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
            heard = Heard(self.command, self.path, self.headers, body)
            status, content = answer(heard)
            data = (
                content if isinstance(content, bytes) else json.dumps(content).encode()
            )
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header('Location', '/elsewhere')
            self.send_header('Content-Length', str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = _do

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={'poll_interval': 0.01})
    thread.start()
    try:
        yield f'http://127.0.0.1:{server.server_port}'
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class TicketSystem:
    """What a site's ticket system hears, and what it answers."""

    url: str = ''
    heard: list[Heard] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    """The next ones; afterwards, 204."""

    def __call__(self, heard: Heard) -> Answer:
        self.heard.append(heard)
        return self.answers.pop(0) if self.answers else (204, b'')

    @property
    def steps(self) -> list[tuple[str, str]]:
        """Number and step of all that it was told."""
        return [(one.step['number'], one.step['step']) for one in self.heard]


@dataclass
class ServiceNow:
    """The table `incident` of an instance."""

    user: str = 'qnet.mailer'
    password: str = 'made-up for this test'
    records: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __call__(self, heard: Heard) -> Answer:
        self.asked.append(heard.method)
        wanted = b64encode(f'{self.user}:{self.password}'.encode()).decode()
        if heard.headers['Authorization'] != f'Basic {wanted}':
            return 401, {'error': {'message': 'User Not Authenticated'}}
        parts = urlsplit(heard.path)
        start = '/api/now/table/incident'
        if heard.method == 'PATCH':
            sys_id = parts.path.removeprefix(f'{start}/')
            return self._change(sys_id, json.loads(heard.body))
        if parts.path != start:
            return 404, {'error': {'message': 'No Record found'}}
        if heard.method == 'POST':
            number = len(self.records) + 1
            record = {'sys_id': f'{number:032x}', 'number': f'INC{number:07}'}
            self.records.append(json.loads(heard.body) | record)
            return 201, {'result': self.records[-1]}
        query = {key: value[0] for key, value in parse_qs(parts.query).items()}
        key, _, value = query['sysparm_query'].partition('=')
        found = [each for each in self.records if each.get(key) == value]
        fields = query['sysparm_fields'].split(',')
        most = int(query['sysparm_limit'])
        return 200, {'result': [{f: each[f] for f in fields} for each in found[:most]]}

    def _change(self, sys_id: str, fields: dict[str, str]) -> Answer:
        for record in self.records:
            if record['sys_id'] == sys_id:
                self.notes.append(fields.pop('work_notes', ''))
                record |= fields
                return 200, {'result': record}
        return 404, {'error': {'message': 'No Record found'}}
