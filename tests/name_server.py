# SPDX-License-Identifier: GPL-3.0-or-later
"""A name server on loopback that knows some records, and no other names."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from qnet_mailman.demo.ports import HOST
from qnet_mailman.mta.zone import Purpose, Record


def texts(records: dict[str, str]) -> list[dns.rrset.RRset]:
    """TXT records by their names."""
    lines = (Record(Purpose.spf, *each).line for each in _kinds(records))
    return [dns.rrset.from_text(*line.split(None, 4)) for line in lines]


def _kinds(records: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    return ((name, 'TXT', text) for name, text in records.items())


@contextmanager
def name_server(known: Iterable[dns.rrset.RRset]) -> Iterator[int]:
    """Answer over UDP as long as this lasts; the port.

    :param known: Looked at with each question.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((HOST, 0))

        def answer() -> None:
            with contextlib.suppress(OSError):
                while True:
                    data, client = server.recvfrom(4096)
                    if not data:
                        return
                    server.sendto(_answer(data, list(known)), client)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        port: int = server.getsockname()[1]
        try:
            yield port
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b'', (HOST, port))
            thread.join()


def _answer(data: bytes, known: list[dns.rrset.RRset]) -> bytes:
    query = dns.message.from_wire(data)
    response = dns.message.make_response(query)
    response.flags |= dns.flags.RA
    question = query.question[0]
    name = question.name
    if all(each.name != name for each in known):
        response.set_rcode(dns.rcode.NXDOMAIN)
    for each in known:
        if each.name == name and each.rdtype == dns.rdatatype.CNAME:
            response.answer.append(each)
            name = each[0].target
    response.answer += [
        each for each in known if each.name == name and each.rdtype == question.rdtype
    ]
    return response.to_wire()
