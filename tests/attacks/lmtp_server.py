# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailman's LMTP server with our handler, on loopback, in this process."""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from mailman.config import config

from qnet_mailman.demo.ports import Reservation
from qnet_mailman.runners.lmtp import Controller, Handler

Deliver = Callable[..., bytes]


@pytest.fixture
def deliver(core: Any) -> Iterator[Deliver]:
    """Hand a message over, as a mail server would; the reply for its recipient."""
    ports = Reservation()
    port = ports.take()
    ports.release(port)
    controller = Controller(Handler(), hostname='127.0.0.1', port=port)
    controller.start()

    def send(to: str, data: bytes, mail_from: str = '', options: str = '') -> bytes:
        config.db.commit()
        with smtplib.LMTP('127.0.0.1', port) as client:
            client.ehlo()
            client.command_encoding = 'utf-8'
            for command in (
                f'MAIL FROM:<{mail_from}>{options}',
                f'RCPT TO:<{to}>',
                'DATA',
            ):
                code, text = client.docmd(command)
                if code >= 400:
                    return b'%d %b' % (code, text)
            client.send(smtplib._quote_periods(_crlf(data)) + b'\r\n.\r\n')
            code, text = client.getreply()
        return b'%d %b' % (code, text)

    yield send
    controller.stop()


def _crlf(data: bytes) -> bytes:
    return data.replace(b'\r\n', b'\n').replace(b'\n', b'\r\n')
