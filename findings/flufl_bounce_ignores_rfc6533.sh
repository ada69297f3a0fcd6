#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# flufl.bounce 6.0.0, Mailman's reader of delivery reports: a report in the form of
# RFC 6533 says nothing to it.
#
# Servers that take internationalized mail (SMTPUTF8) report in
# `message/global-delivery-status` instead of `message/delivery-status`, with the
# recipient as "rfc822;" or "utf-8;" (RFC 6533 section 3).  The detector for reports
# looks at the old media type alone, and no other one steps in; so a hard failure of a
# plain ASCII address is no bounce, as soon as its server reports in the newer
# form.  The same fields under the old type are found.
#
# Seen with flufl.bounce 6.0.0, Python 3.11 (temporary, permanent):
#   message/delivery-status        rfc822; ana@example.org  [] ['ana@example.org']
#   message/global-delivery-status rfc822; ana@example.org  [] []
#   message/global-delivery-status utf-8; ana@example.org   [] []
#
# Exits with 0 while that is so, 1 if it has changed, 2 if it could not run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cd "$folder"
python3 -m venv venv || exit 2
venv/bin/pip install -q --disable-pip-version-check flufl.bounce==6.0.0 || exit 2
venv/bin/python - <<'PYTHON'
import sys
from email import message_from_string

from flufl.bounce import all_failures

REPORT = """\
From: Mail Delivery System <mailer-daemon@mx.example.org>
To: news-bounces@example.gov
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type={report}; boundary="b"

--b
Content-Type: text/plain; charset=utf-8

The recipient is not known here.

--b
Content-Type: message/{report}

Reporting-MTA: dns; mx.example.org

Final-Recipient: {recipient}
Action: failed
Status: 5.1.1

--b
Content-Type: text/rfc822-headers

From: news@example.gov
Subject: News

--b--
"""
found = []
for report, recipient in (
    ('delivery-status', 'rfc822; ana@example.org'),
    ('global-delivery-status', 'rfc822; ana@example.org'),
    ('global-delivery-status', 'utf-8; ana@example.org'),
):
    message = message_from_string(REPORT.format(report=report, recipient=recipient))
    temporary, permanent = (
        sorted(address.decode() for address in each) for each in all_failures(message)
    )
    print(f'message/{report:22} {recipient:24} {temporary} {permanent}')
    found.append((temporary, permanent))
sys.exit(found != [([], ['ana@example.org']), ([], []), ([], [])])
PYTHON
