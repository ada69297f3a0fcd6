#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# GNU Mailman 3.3.10: a recipient whom the mail server refuses with 552 never bounces.
#
# 552 says that a mailbox is full, or that the message is too large for it (RFC 5321
# section 4.2.3).  Mailman takes every 552 for the misuse that section 4.5.3.1.10 tells
# of ("too many recipients"), so it tries again until `[mta] delivery_retry_period`
# (5 days) is over.  One would expect a bounce then.  But the message is dropped with a
# line in the log and no bounce event, for 552 as for any 4yz; so an address that never
# takes anything is never suspended.  A 550 in the same transaction is a bounce at once.
#
# Seen with mailman 3.3.10, SQLAlchemy 2.0.43, aiosmtpd 1.4.6, Python 3.11, with a
# retry period of 0 seconds:
#   attempts for full@example.org: 2, waiting: 0
#   bounce events: gone@example.org
#
# Exits with 0 while that is so, 1 if it has changed, 2 if it could not run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cd "$folder"
python3 -m venv venv || exit 2
venv/bin/pip install -q --disable-pip-version-check mailman==3.3.10 sqlalchemy==2.0.43 \
    aiosmtpd==1.4.6 || exit 2
port=$(venv/bin/python -c "
import socket
with socket.create_server(('127.0.0.1', 0)) as s: print(s.getsockname()[1])")
cat >mailman.cfg <<CFG
[mailman]
layout: here
[paths.here]
var_dir: $folder/var
[mta]
smtp_host: 127.0.0.1
smtp_port: $port
delivery_retry_period: 0s
CFG
venv/bin/python - "$port" <<'PYTHON'
import sys

from aiosmtpd.controller import Controller
from mailman.core.initialize import initialize

initialize('mailman.cfg')

from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.email.message import Message
from mailman.interfaces.bounce import IBounceProcessor
from mailman.interfaces.domain import IDomainManager
from mailman.runners.outgoing import OutgoingRunner
from mailman.runners.retry import RetryRunner
from mailman.testing.helpers import make_testable_runner
from zope.component import getUtility

asked = []


class Server:
    async def handle_RCPT(self, server, session, envelope, address, options):
        asked.append(address)
        if address.startswith('full'):
            return '552 5.2.2 Mailbox full'
        return '550 5.1.1 No such user'


server = Controller(Server(), hostname='127.0.0.1', port=int(sys.argv[1]))
server.start()
getUtility(IDomainManager).add('example.gov')
mlist = create_list('news@example.gov')
config.db.commit()
message = Message()
message['From'] = 'ana@example.net'
message['Message-ID'] = '<one@example.net>'
message.set_payload('Hello\n')
config.switchboards['out'].enqueue(
    message,
    listid=mlist.list_id,
    recipients=['full@example.org', 'gone@example.org'],
)
out, retry = (
    make_testable_runner(kind, name)
    for kind, name in ((OutgoingRunner, 'out'), (RetryRunner, 'retry'))
)
for _ in range(5):
    out.run()
    retry.run()
server.stop()
config.db.commit()
attempts = asked.count('full@example.org')
waiting = sum(len(config.switchboards[q].files) for q in ('out', 'retry', 'shunt'))
events = sorted(event.email for event in getUtility(IBounceProcessor).events)
print(f'attempts for full@example.org: {attempts}, waiting: {waiting}')
print('bounce events:', *events)
sys.exit((attempts, waiting, events) != (2, 0, ['gone@example.org']))
PYTHON
