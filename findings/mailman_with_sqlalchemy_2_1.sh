#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# GNU Mailman 3.3.10 with SQLAlchemy 2.1, which `pip install mailman==3.3.10` brings:
# everything starts, and searches in members and lists fail.
#
# Mailman asks for SQLAlchemy without an upper bound.  `mailman info`, making a list,
# joining and `mailman members` work, as does iterating over a roster; but the answers of
# `ISubscriptionService.find_members()` (REST: members/find, a list's roster) and
# `IListManager.find()` (REST: lists/find) are counted through a SELECT that is taken for
# a FROM, which 2.1 refuses.  So an installation looks right until somebody opens a
# list's members on the web.
#
# Seen with mailman 3.3.10, Python 3.11, SQLite:
#   SQLAlchemy 2.0.43: roster 1; find_members 1; lists 1
#   SQLAlchemy 2.1.9: roster 1; find_members ArgumentError; lists ArgumentError
#
# Exits with 0 while that is so, 1 if it has changed, 2 if it could not run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cd "$folder"
python3 -m venv venv || exit 2
venv/bin/pip install -q --disable-pip-version-check mailman==3.3.10 || exit 2
seen() {
    venv/bin/pip install -q --disable-pip-version-check "sqlalchemy==$1" || exit 2
    cat >mailman.cfg <<CFG
[mailman]
layout: here
[paths.here]
var_dir: $folder/var-$1
CFG
    venv/bin/python - <<'PYTHON'
from mailman.core.initialize import initialize

initialize('mailman.cfg')

import sqlalchemy
from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.subscriptions import ISubscriptionService
from mailman.interfaces.usermanager import IUserManager
from sqlalchemy.exc import ArgumentError
from zope.component import getUtility

getUtility(IDomainManager).add('example.org')
news = create_list('news@example.org')
news.subscribe(getUtility(IUserManager).create_address('ana@example.org', 'Ana'))
config.db.commit()


def count(find):
    try:
        return len(find())
    except ArgumentError as error:
        return type(error).__name__


print(
    f'SQLAlchemy {sqlalchemy.__version__}:',
    f'roster {len(list(news.members.members))};',
    'find_members',
    count(lambda: getUtility(ISubscriptionService).find_members(list_id=news.list_id)),
    end='; lists ',
)
print(count(lambda: getUtility(IListManager).find(advertised=True)))
PYTHON
}
old=$(seen 2.0.43)
new=$(seen 2.1.9)
echo "$old"
echo "$new"
[ "$old" = 'SQLAlchemy 2.0.43: roster 1; find_members 1; lists 1' ] || exit 1
[ "$new" = 'SQLAlchemy 2.1.9: roster 1; find_members ArgumentError; lists ArgumentError' ] ||
    exit 1
