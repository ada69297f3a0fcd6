#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# GNU Mailman 3.3.10: what becomes of a list's own text depends on how its web server fails.
#
# A text can be an address (Postorius sets such ones).  Where the server answers 500,
# Mailman uses its own text.  One would expect the same of 404 and of a server that is
# away.  But 404 makes the text empty, so that a message of welcome or of removal goes out
# with nothing in it; and a refused connection is an exception, with which the message that
# needed the text ends in the shunt queue.
#
# Seen with mailman 3.3.10, SQLAlchemy 2.0.43, Python 3.11:
#   500: Mailman's own text
#   404: an empty text
#   no server: ConnectionError
#
# Exits with 0 while that is so, 1 if it has changed, 2 if it could not run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cd "$folder"
python3 -m venv venv || exit 2
venv/bin/pip install -q --disable-pip-version-check mailman==3.3.10 sqlalchemy==2.0.43 || exit 2
cat >mailman.cfg <<CFG
[mailman]
layout: here
[paths.here]
var_dir: $folder/var
CFG
venv/bin/python - <<'PYTHON'
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from mailman.core.initialize import initialize

initialize('mailman.cfg')

import requests
from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.template import ITemplateLoader, ITemplateManager
from zope.component import getUtility

NAME = 'list:user:notice:goodbye'


class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(int(self.path[1:]))

    def log_message(self, *arguments):
        pass


server = HTTPServer(('127.0.0.1', 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f'http://127.0.0.1:{server.server_port}'
getUtility(IDomainManager).add('example.gov')
mlist = create_list('news@example.gov')
loader, manager = getUtility(ITemplateLoader), getUtility(ITemplateManager)
own = loader.get(NAME, mlist)


def seen(uri):
    manager.set(NAME, mlist.list_id, uri)
    config.db.commit()
    try:
        text = loader.get(NAME, mlist)
    except requests.RequestException as error:
        return type(error).__name__
    return {own: "Mailman's own text", '': 'an empty text'}.get(text, repr(text))


found = {'500': seen(f'{base}/500'), '404': seen(f'{base}/404')}
server.shutdown()
server.server_close()
found['no server'] = seen(f'{base}/gone')
for how, what in found.items():
    print(f'{how}: {what}')
wanted = ["Mailman's own text", 'an empty text', 'ConnectionError']
sys.exit(list(found.values()) != wanted or not own.strip())
PYTHON
