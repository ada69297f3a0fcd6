#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# GNU Mailman 3.3.10: the message texts that were set for a list stay in the database
# when the list is removed, and the next list of that name uses them.
#
# Mailman removes a list's members, bans, held messages, filters, pending confirmations
# and archivers with it.  A text (a "template", set by ITemplateManager or by PATCH of
# lists/<list-id>/uris over REST) is kept under the List-ID, and no code removes it with
# the list; so a list that is made anew greets its subscribers in the words of the old
# one, though all its other settings are at their defaults.
#
# Seen with mailman 3.3.10, SQLAlchemy 2.0.43, Python 3.11, SQLite:
#   before: set for the list
#   after the list was removed: set for the list
#   the new list says: Welcome to the project of 2019.
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
import pathlib
import sys

from mailman.core import initialize

initialize.initialize('mailman.cfg')

from mailman.app.lifecycle import create_list, remove_list
from mailman.config import config
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.template import ITemplateLoader, ITemplateManager
from zope.component import getUtility

NAME = 'list:user:notice:welcome'
text = pathlib.Path('welcome.txt').absolute()
text.write_text('Welcome to the project of 2019.\n')
getUtility(IDomainManager).add('lists.example.org')
manager = getUtility(ITemplateManager)


def state():
    config.db.commit()
    found = manager.raw(NAME, 'project.lists.example.org')
    return 'set for the list' if found is not None else 'not set'


mlist = create_list('project@lists.example.org')
manager.set(NAME, mlist.list_id, text.as_uri())
print('before:', state())
remove_list(mlist)
after = state()
print('after the list was removed:', after)
mlist = create_list('project@lists.example.org')
config.db.commit()
said = getUtility(ITemplateLoader).get(NAME, mlist).strip()
print('the new list says:', said)
sys.exit(0 if after == 'set for the list' and '2019' in said else 1)
PYTHON
status=0
venv/bin/python see.py || status=$?
[ "$status" -le 1 ] || exit 2
exit "$status"
