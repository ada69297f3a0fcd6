# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail server for Mailman in this process, that keeps what it is sent.

It is the fixture `keeper`.
"""

from __future__ import annotations

import email
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from typing import Any, TypeVar

from aiosmtpd.controller import Controller
from mailman.config import config

from qnet_mailman.demo.ports import Reservation


class Keeper:
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, list[str], bytes]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail_from = envelope.mail_from.replace('<>', '')
        self.sent.append((mail_from, envelope.rcpt_tos, envelope.content))
        return '250 OK'

    def of(self, address: str) -> Message:
        """The one copy of a recipient."""
        (data,) = [one[2] for one in self.sent if address in one[1]]
        return email.message_from_bytes(data)


AKeeper = TypeVar('AKeeper', bound=Keeper)


@contextmanager
def keeping(keeper: AKeeper) -> Iterator[AKeeper]:
    """A server that runs, to which Mailman sends."""
    ports = Reservation()
    port = ports.take()
    ports.release(port)
    controller = Controller(
        keeper, hostname='127.0.0.1', port=port, enable_SMTPUTF8=True
    )
    controller.start()
    config.push('server', f'[mta]\nsmtp_host: 127.0.0.1\nsmtp_port: {port}\n')
    yield keeper
    config.pop('server')
    controller.stop()
