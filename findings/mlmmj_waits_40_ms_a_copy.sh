#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# mlmmj 1.3.0 (Debian): a list's copies to a mail server on the same machine go out at some
# 20 a second, and nothing is busy.
#
# mlmmj-send writes a copy in several small pieces, and waits for an answer after the
# last.  By Nagle's algorithm TCP keeps a small piece back until the one before it is
# acknowledged, and the other side delays that for some 40 ms (RFC 1122 section 4.2.3.2),
# as there is nothing to answer yet.  One would expect a loopback to cost nothing,
# as it does where the server acknowledges at once (TCP_QUICKACK, Linux).
#
# The server here is a few lines of asyncio that take everything.  The package is
# unpacked, not installed.  The time is the clock's, and CPU is mlmmj-send's own.
#
# Seen with mlmmj 1.3.0-4, Debian 12, Linux, Python 3.11:
#   acknowledged as usual: 50 copies in 2.2 s, 0.01 s of CPU
#   acknowledged at once: 50 copies in 0.0 s, 0.01 s of CPU
#   pieces in which the server had most copies, as usual: 2 or more
#
# Exits with 0 while that is so, 1 if it has changed, 2 if it could not run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cd "$folder"
apt-get -q -q -o APT::Sandbox::User=root download mlmmj=1.3.0-4 || exit 2
dpkg-deb -x mlmmj_*.deb mlmmj || exit 2
python3 - "$folder/mlmmj/usr/bin/mlmmj-send" <<'PYTHON'
import asyncio
import os
import resource
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

COPIES = 50
MESSAGE = (
    b'From: ana@example.net\nTo: news@example.org\nSubject: Hello\n'
    b'Message-ID: <one@example.net>\n\nHello\n'
)
taken = []
at_once = False


async def serve(reader, writer):
    writer.write(b'220 sink ESMTP\r\n')
    quick = writer.get_extra_info('socket').setsockopt
    while line := await reader.readline():
        verb = line.split()[0].upper()
        if verb == b'DATA':
            writer.write(b'354 go on\r\n')
            data, pieces = b'', 0
            while not data.endswith(b'\r\n.\r\n'):
                if at_once:
                    # Holds for the next few packets only, so it is said again.
                    quick(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
                data += await reader.read(65536)
                pieces += 1
            taken.append(pieces)
        writer.write(b'221 bye\r\n' if verb == b'QUIT' else b'250 ok\r\n')
        if verb == b'QUIT':
            break
    writer.close()


def run():
    asyncio.set_event_loop(loop)
    loop.run_forever()


loop = asyncio.new_event_loop()
threading.Thread(target=run, daemon=True).start()
server = asyncio.run_coroutine_threadsafe(
    asyncio.start_server(serve, '127.0.0.1', 0), loop
).result(30)
port = server.sockets[0].getsockname()[1]

for name in ('archive', 'control', 'queue', 'subscribers.d', 'text'):
    os.makedirs(f'list/{name}')
for name, text in {
    'index': '0',
    'control/listaddress': 'news@example.org\n',
    'control/owner': 'ana@example.net\n',
    'control/relayhost': '127.0.0.1\n',
    'control/smtpport': f'{port}\n',
}.items():
    Path('list', name).write_text(text)
people = [f'u{number}@example.net' for number in range(COPIES)]
Path('list/subscribers.d/u').write_text(''.join(f'{one}\n' for one in people))


def cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


command = [sys.argv[1], '-L', os.path.abspath('list'), '-m', os.path.abspath('post')]
clock, busy, pieces = {}, {}, []
for at_once in (False, True):
    taken.clear()
    Path('post').write_bytes(MESSAGE)
    before, started = cpu(), time.perf_counter()
    subprocess.run(command, check=True, timeout=120)
    clock[at_once] = time.perf_counter() - started
    busy[at_once] = cpu() - before
    print(
        f'acknowledged {"at once" if at_once else "as usual"}:',
        f'{len(taken)} copies in {clock[at_once]:.1f} s,',
        f'{busy[at_once]:.2f} s of CPU',
    )
    assert len(taken) == COPIES
    pieces.append(statistics.median(taken))
print(f'pieces in which the server had most copies, as usual: {pieces[0]:.0f} or more')
sys.exit(
    not (
        clock[False] > COPIES * 0.03
        and pieces[0] > 1
        and busy[False] < 0.2
        and clock[True] < clock[False] / 3
    )
)
PYTHON
