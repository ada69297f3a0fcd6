#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# GNU Mailman 3.3.10: on a list with content filtering (filter_content), a file that is the
# only part of a post, or stands beside an empty text, is destroyed, though no filter names
# it.
#
# The handler `mime-delete` puts the one useful part in the place of the whole message
# (`reset_payload`).  It decodes the part's bytes as text in the charset that the part
# names, us-ascii where it names none, with errors='replace': every byte above 127 of a PDF
# or a picture becomes a replacement character.  What scanners and telephones send has just
# this shape: an empty text and one file.  The post is not refused, and nobody is told.
#
# Seen with mailman 3.3.10, SQLAlchemy 2.0.43, Python 3.11, SQLite:
#   a text and a file: the file is as it was
#   an empty text and a file: the file is not as it was
#   a file alone: the file is not as it was
#
# Exits with 0 while that is so, 1 if it has changed, 2 if it could not run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cd "$folder"
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --disable-pip-version-check \
    'mailman==3.3.10' 'sqlalchemy==2.0.43' || exit 2
cat > mailman.cfg <<CONFIG
[mailman]
site_owner: owner@example.org
layout: here
[paths.here]
var_dir: $folder/var
[mta]
incoming: mailman.mta.null.NullMTA
CONFIG
cat > see.py <<'PYTHON'
import base64
import email
import sys

from mailman.core import initialize

initialize.initialize('mailman.cfg')

from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.email.message import Message
from mailman.interfaces.domain import IDomainManager
from zope.component import getUtility

SCAN = b'%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj <<>> endobj\n'
FILE = (
    'Content-Type: application/pdf; name=scan.pdf\n'
    'Content-Disposition: attachment; filename=scan.pdf\n'
    'Content-Transfer-Encoding: base64\n\n'
) + base64.encodebytes(SCAN).decode()
HEAD = (
    'From: lee@example.org\nTo: project@lists.example.org\nSubject: Scan\n'
    'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n'
)
TEXT = 'Content-Type: text/plain\n\n'
getUtility(IDomainManager).add('lists.example.org')
mlist = create_list('project@lists.example.org')
mlist.filter_content = True
mlist.filter_extensions = ['exe']
config.db.commit()
survived = []
for name, parts in (
    ('a text and a file', [TEXT + 'See the scan.\n', FILE]),
    ('an empty text and a file', [TEXT, FILE]),
    ('a file alone', [FILE]),
):
    body = ''.join(f'--b\n{part}\n' for part in parts)
    msg = email.message_from_string(f'{HEAD}{body}--b--\n', Message)
    config.handlers['mime-delete'].process(mlist, msg, {})
    found = [part.get_payload(decode=True) for part in msg.walk()]
    survived.append(SCAN in found)
    print(f'{name}: the file is {"" if survived[-1] else "not "}as it was')
sys.exit(0 if survived == [True, False, False] else 1)
PYTHON
status=0
venv/bin/python see.py || status=$?
[ "$status" -le 1 ] || exit 2
exit "$status"
