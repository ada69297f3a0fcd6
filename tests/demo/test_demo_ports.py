# SPDX-License-Identifier: GPL-3.0-or-later
"""Free ports."""

from __future__ import annotations

import socket

import pytest

from qnet_mailman.demo.ports import HOST, Reservation, is_listening


def test_ports_differ_and_nobody_else_gets_them() -> None:
    ports = Reservation()
    taken = [ports.take() for _ in range(5)]
    assert len(set(taken)) == 5
    for port in taken:
        with socket.socket() as other, pytest.raises(OSError, match='in use'):
            other.bind((HOST, port))
    ports.release()


def test_a_server_can_have_its_port_at_once() -> None:
    ports = Reservation()
    port, kept = ports.take(), ports.take()
    ports.release(port)
    with socket.create_server((HOST, port)):
        assert is_listening(port)
    assert not is_listening(kept)
    ports.release()
    # Again does no harm.
    ports.release(port)
