#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# SQLite with the tables of GNU Mailman 3.3.10: which of 1,000 addresses are members' is
# answered by way of all members.
#
# Mailman's tables have an index of member.role, where nearly all rows are 1 (a member).
# SQLite does not know that before ANALYZE, which Mailman's code does not run: it takes
# "column = value" with an index for a good beginning, a better one than "column IN (1,000
# values)", even where the latter has the unique index of addresses.
# So the question costs as much as the site has members.  One would expect it to begin
# with what was asked for.  A plus before the column takes its index out of the choice;
# and so it is after ANALYZE.
#
# Seen with SQLite 3.40.1, mailman 3.3.10, SQLAlchemy 2.0.43, Python 3.11, for 100,000
# members of a list; the steps are those of SQLite's virtual machine:
#   role = 1: 1,205,000 steps
#     SEARCH member USING INDEX ix_member_role (role=?)
#   +role = 1: 19,000 steps
#     SEARCH address USING COVERING INDEX ix_address_email (email=?)
#   role = 1, after ANALYZE: 19,000 steps
#     SEARCH address USING COVERING INDEX ix_address_email (email=?)
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
import sqlite3
import sys

from mailman.core.initialize import initialize

initialize('mailman.cfg')
from mailman.config import config

path = config.db.store.connection().engine.url.database
config.db.store.rollback()

MEMBERS = 100_000
database = sqlite3.connect(path)
print('SQLite', sqlite3.sqlite_version)
database.executemany(
    'INSERT INTO address (id, email) VALUES (?, ?)',
    ((number, f'u{number}@example.net') for number in range(1, MEMBERS + 1)),
)
database.execute(
    'INSERT INTO member (role, list_id, address_id)'
    " SELECT 1, 'news.example.org', id FROM address"
)
database.commit()
ASKED = [f'u{number * 10}@example.net' for number in range(1, 1001)]


def ask(title, role):
    question = (
        'SELECT address.email FROM member JOIN address ON address.id = member.address_id'
        f' WHERE {role} = 1 AND address.email IN ({", ".join("?" * len(ASKED))})'
    )
    plan = database.execute(f'EXPLAIN QUERY PLAN {question}', ASKED).fetchall()
    steps = []
    database.set_progress_handler(lambda: steps.append(1000), 1000)
    found = len(database.execute(question, ASKED).fetchall())
    database.set_progress_handler(None, 0)
    assert found == len(ASKED), found
    print(f'{title}: {sum(steps):,} steps\n  {plan[0][-1]}')
    return sum(steps), plan[0][-1]


usual = ask('role = 1', 'member.role')
plus = ask('+role = 1', '+member.role')
database.execute('ANALYZE')
database.commit()
analyzed = ask('role = 1, after ANALYZE', 'member.role')
sys.exit(
    not (
        'member USING INDEX ix_member_role' in usual[1]
        and 'address USING COVERING INDEX ix_address_email' in plus[1]
        and 'address USING COVERING INDEX ix_address_email' in analyzed[1]
        and usual[0] > 10 * plus[0]
        and usual[0] > 10 * analyzed[0]
    )
)
PYTHON
