#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# GNU Mailman 3.3.10: `mailman reopen` leaves two log files open in every process, those
# of the loggers mail.log and sqlalchemy, which go on writing to what was rotated away.
#
# mailman.core.logging keeps one handler for each section [logging.NAME], and reopens
# those.  For [logging.smtp] it makes two (loggers mail.log, which is aiosmtpd's, and
# mailman.smtp), and for [logging.database] two (sqlalchemy and alembic), and keeps the
# second alone.  So the LMTP runner's sessions are logged in smtp.log.1 for ever, after
# logrotate and `mailman reopen`, as its manual says it is to be done.
#
# Seen with mailman 3.3.10, Python 3.11:
#   mail.log: writes to the file that was moved
#   sqlalchemy: writes to the file that was moved
#   mailman.smtp: writes to the new file
#   alembic: writes to the new file
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
cat >look.py <<'PYTHON'
import logging
import os
import sys

from mailman.core import initialize, logging as mailman_logging

initialize.initialize_1(sys.argv[1])
from mailman.config import config

mailman_logging.initialize()
wanted = {'mail.log': 0, 'sqlalchemy': 0, 'mailman.smtp': 1, 'alembic': 1}
for name in os.listdir(config.LOG_DIR):
    path = os.path.join(config.LOG_DIR, name)
    os.rename(path, path + '.1')
# What SIGHUP does, which `mailman reopen` sends.
mailman_logging.reopen()
found = {}
for name in wanted:
    logging.getLogger(name).error('a line of %s', name)
    found[name] = 0
    for log in os.listdir(config.LOG_DIR):
        with open(os.path.join(config.LOG_DIR, log)) as file:
            if f'a line of {name}\n' in file.read() and log.endswith('.log'):
                found[name] = 1
    print(f'{name}: writes to the', ('file that was moved', 'new file')[found[name]])
sys.exit(found != wanted)
PYTHON
venv/bin/python look.py "$folder/mailman.cfg" || exit 1
