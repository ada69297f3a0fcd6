# SPDX-License-Identifier: GPL-3.0-or-later
"""The way out of a network namespace that has none: an HTTP proxy across its border."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

T = TypeVar('T')
CLONE_NEWNET = 0x40000000


def in_network(pid: int, function: Callable[[], T]) -> T:
    """Call a function in the network of a process.

    A namespace belongs to a thread; sockets and processes made there stay in it.

    :param pid: The process.
    :param function: What to call.
    """

    def enter() -> None:
        namespace = os.open(Path(f'/proc/{pid}/ns/net'), os.O_RDONLY)
        if ctypes.CDLL(None, use_errno=True).setns(namespace, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), 'setns')
        os.close(namespace)

    with ThreadPoolExecutor(1, initializer=enter) as pool:
        return pool.submit(function).result()


class Proxy:
    """It listens in there, and connects from out here.

    :ivar url: Its address in there.
    """

    def __init__(self, pid: int) -> None:
        self._server = in_network(pid, lambda: socket.create_server(('127.0.0.1', 0)))
        self.url = f'http://127.0.0.1:{self._server.getsockname()[1]}'
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._server.accept()
                threading.Thread(target=_serve, args=(client,), daemon=True).start()


def _serve(client: socket.socket) -> None:
    with client, contextlib.suppress(OSError, ValueError):
        head = b''
        while b'\r\n\r\n' not in head:
            head += (data := client.recv(65536))
            if not data:
                return
        line, _, rest = head.partition(b'\r\n')
        method, url, _version = line.decode().split()
        if method == 'CONNECT':
            host, _, port = url.partition(':')
            with socket.create_connection((host, int(port))) as server:
                client.sendall(b'HTTP/1.1 200 OK\r\n\r\n')
                _both_ways(client, server)
            return
        parts = urlsplit(url)
        fields = [
            field
            for field in rest.split(b'\r\n')
            if not field.lower().startswith((b'connection:', b'proxy-connection:'))
        ]
        # Of a connection that stays, the next request could be for another host.
        fields.insert(0, b'Connection: close')
        request = f'{method} {parts.path}?{parts.query} HTTP/1.1\r\n'
        with socket.create_connection((parts.hostname, parts.port or 80)) as server:
            server.sendall(request.replace('? ', ' ').encode() + b'\r\n'.join(fields))
            _both_ways(client, server)


def _both_ways(client: socket.socket, server: socket.socket) -> None:
    back = threading.Thread(target=_pump, args=(server, client))
    back.start()
    _pump(client, server)
    back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
