# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail server that takes its time for each answer, and keeps nothing.

Usage: ``python -m bench.waiting_sink PORT MILLISECONDS``.  It takes any number of
connections, knows PIPELINING, and on each gives one answer after the other.
"""

from __future__ import annotations

import asyncio
import sys

SAID = {
    b'EHLO': b'250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n',
    b'DATA': b'354 Go on\r\n',
    b'QUIT': b'221 Bye\r\n',
}


async def serve(port: int, seconds: float) -> None:
    """Serve until killed."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'220 sink\r\n')
        try:
            while line := await reader.readline():
                verb = line[:4].upper()
                await asyncio.sleep(seconds)
                writer.write(SAID.get(verb, b'250 OK\r\n'))
                if verb == b'QUIT':
                    break
                if verb == b'DATA':
                    await reader.readuntil(b'\r\n.\r\n')
                    await asyncio.sleep(seconds)
                    writer.write(b'250 OK\r\n')
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        writer.close()

    server = await asyncio.start_server(talk, '127.0.0.1', port, limit=1 << 24)
    print('ready', flush=True)
    await server.serve_forever()


if __name__ == '__main__':
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]) / 1000))
