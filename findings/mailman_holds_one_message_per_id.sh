#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# GNU Mailman 3.3.10: of two different messages with the same Message-ID that are held,
# the moderator sees and releases the first one twice; the second is gone.
#
# The store of held messages is keyed by Message-ID, and `IMessageStore.add()` returns
# None, without an error, where it has that id already; a request for moderation refers
# to the message by its id alone.  RFC 5322 (section 3.6.4) wants ids to be unique, but
# programs that send the same reminder again with a new text, and mail that a
# person corrects and sends again from a draft, do repeat them.  One would expect the
# second to be refused, or held beside the first.
#
# Seen with mailman 3.3.10, SQLAlchemy 2.0.43, Python 3.11, SQLite:
#   requests: 2
#   request 1 shows: the room is 101
#   request 2 shows: the room is 101
#
# Exits with 0 while that is so, 1 if it has changed, 2 if it could not run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cd "$folder"
python3 -m venv venv || exit 2
venv/bin/pip install -q --disable-pip-version-check mailman==3.3.10 sqlalchemy==2.0.43 ||
    exit 2
cat >mailman.cfg <<CFG
[mailman]
layout: here
[paths.here]
var_dir: $folder/var
CFG
venv/bin/python - <<'PYTHON'
import sys

from mailman.core.initialize import initialize

initialize('mailman.cfg')

from mailman.app.lifecycle import create_list
from mailman.app.moderator import hold_message
from mailman.config import config
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.messages import IMessageStore
from mailman.interfaces.requests import IListRequests
from mailman.email.message import Message
from zope.component import getUtility

getUtility(IDomainManager).add('example.org')
mlist = create_list('news@example.org')
for text in ('the room is 101', 'the room is 202'):
    message = Message()
    message['From'] = 'ana@example.net'
    message['Subject'] = 'Meeting'
    message['Message-ID'] = '<meeting-of-may@example.net>'
    message.set_payload(text)
    hold_message(mlist, message)
config.db.commit()
requests = list(IListRequests(mlist).held_requests)
print('requests:', len(requests))
shown = []
for request in requests:
    key, data = IListRequests(mlist).get_request(request.id)
    held = getUtility(IMessageStore).get_message_by_id(data['_mod_message_id'])
    shown.append(held.get_payload())
    print(f'request {request.id} shows:', shown[-1])
sys.exit(shown != ['the room is 101'] * 2)
PYTHON
