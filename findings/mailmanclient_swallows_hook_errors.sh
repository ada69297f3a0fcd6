#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# mailmanclient 3.3.5: a request hook cannot stop a request, and its errors are hidden.
#
# `Client(request_hooks=[...])` runs functions on the parameters of each request, for
# instance to add a header.  Whatever exception a hook raises is caught and dropped, and
# the request goes out without what that hook was to add; a hook that refuses a request
# refuses nothing.  What is printed, on standard output, names neither hook nor exception:
# it is a template that was not filled in.  One would expect the exception to come out of
# the call.
#
# Seen with mailmanclient 3.3.5, Python 3.11, a hook that raises PermissionError at DELETE:
#   printed: '[DEBUG] Failed to run hook {hook}\n'
#   raised: nothing
#   the server heard: DELETE /3.1/lists/news.example.org
#
# Exits with 0 while that is so, 1 if it has changed, 2 if it could not run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cd "$folder"
python3 -m venv venv || exit 2
venv/bin/pip install -q --disable-pip-version-check mailmanclient==3.3.5 || exit 2
venv/bin/python - <<'PYTHON'
import contextlib
import io
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from mailmanclient import Client

heard = []


class Server(BaseHTTPRequestHandler):
    def do_DELETE(self):
        heard.append(f'{self.command} {self.path}')
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


def read_only(params):
    if params['method'] != 'GET':
        raise PermissionError('this client only reads')
    return params


server = HTTPServer(('127.0.0.1', 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = Client(
    f'http://127.0.0.1:{server.server_port}/3.1', 'user', 'word', request_hooks=[read_only]
)
raised = 'nothing'
with contextlib.redirect_stdout(io.StringIO()) as printed:
    try:
        client.delete_list('news.example.org')
    except Exception as error:
        raised = repr(error)
server.shutdown()
print(f'printed: {printed.getvalue()!r}')
print(f'raised: {raised}')
print('the server heard:', *heard)
sys.exit(
    (printed.getvalue(), raised, heard)
    != (
        '[DEBUG] Failed to run hook {hook}\n',
        'nothing',
        ['DELETE /3.1/lists/news.example.org'],
    )
)
PYTHON
