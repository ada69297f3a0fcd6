# SPDX-License-Identifier: GPL-3.0-or-later
"""Free TCP ports on loopback."""

from __future__ import annotations

import socket

HOST = '127.0.0.1'


class Reservation:
    """Ports held for servers that are yet to start.

    A port that was merely seen to be free may be somebody else's a moment
    later, for instance another demo's that starts at the same time.  So the
    ports stay bound, without listening, until :meth:`release` just before the
    server starts.
    """

    def __init__(self) -> None:
        self._held: dict[int, socket.socket] = {}

    def take(self) -> int:
        """Reserve a port.

        :return: Its number.
        """
        holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((HOST, 0))
        port: int = holder.getsockname()[1]
        self._held[port] = holder
        return port

    def release(self, *ports: int) -> None:
        """Let servers have their ports.

        :param ports: The ports; without any, all that are held.
        """
        for port in ports or tuple(self._held):
            holder = self._held.pop(port, None)
            if holder is not None:
                holder.close()


def is_listening(port: int) -> bool:
    """Whether a server accepts connections.

    :param port: A port on loopback.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0
