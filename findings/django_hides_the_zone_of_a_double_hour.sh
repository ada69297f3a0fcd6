#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Django 5.2.19: the time zone is left out of just those times that need it.
#
# When daylight saving ends, clocks show an hour twice, and only "CEST" or "CET" says which
# of the two is meant.  Django's `date` filter has letters for that (T, e, O, Z, and I for
# daylight saving), and for such an hour each of them gives an empty string, though the
# time is an aware one, whose tzname() and utcoffset() are known.  So "H:i T" is the same
# text for two instants, with a blank at its end.  The letters c and r of the same filter
# have the offset.  One would expect T to be "CEST" and then "CET".
#
# Seen with Django 5.2.19, Python 3.11, in Europe/Berlin on 25 October 2026:
#   23:30 UTC: 'H:i T' '01:30 CEST', 'e' 'CEST', 'O' '+0200', 'Z' '7200', 'I' '1'
#   00:30 UTC: 'H:i T' '02:30 ', 'e' '', 'O' '', 'Z' '', 'I' ''
#   01:30 UTC: 'H:i T' '02:30 ', 'e' '', 'O' '', 'Z' '', 'I' ''
#   02:30 UTC: 'H:i T' '03:30 CET', 'e' 'CET', 'O' '+0100', 'Z' '3600', 'I' '0'
#   00:30 UTC by Python: CEST +0200; by the letter c: 2026-10-25T02:30:00+02:00
#   01:30 UTC by Python: CET +0100; by the letter c: 2026-10-25T02:30:00+01:00
#
# Exits with 0 while that is so, 1 if it has changed, 2 if it could not run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cd "$folder"
python3 -m venv venv || exit 2
venv/bin/pip install -q --disable-pip-version-check Django==5.2.19 tzdata || exit 2
venv/bin/python - <<'PYTHON'
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import django
from django.conf import settings
from django.template import Context, Engine

settings.configure(USE_TZ=True, TIME_ZONE='Europe/Berlin', USE_I18N=False)
django.setup()
LETTERS = ('H:i T', 'e', 'O', 'Z', 'I')
first = datetime(2026, 10, 24, 23, 30, tzinfo=timezone.utc)
times = [first + timedelta(hours=hours) for hours in range(4)]


def shown(time, letters):
    template = Engine().from_string('{{ time|date:"%s" }}' % letters)
    return template.render(Context({'time': time}))


seen = []
for time in times:
    seen.append([shown(time, letters) for letters in LETTERS])
    texts = (f'{one!r} {text!r}' for one, text in zip(LETTERS, seen[-1]))
    print(f'{time:%H:%M} UTC:', ', '.join(texts))
exact = []
for time in times[1:3]:
    local = time.astimezone(ZoneInfo('Europe/Berlin'))
    exact.append((f'{local:%Z %z}', shown(time, 'c')))
    print(f'{time:%H:%M} UTC by Python: {exact[-1][0]}; by the letter c: {exact[-1][1]}')
sys.exit(
    seen
    != [
        ['01:30 CEST', 'CEST', '+0200', '7200', '1'],
        ['02:30 ', '', '', '', ''],
        ['02:30 ', '', '', '', ''],
        ['03:30 CET', 'CET', '+0100', '3600', '0'],
    ]
    or exact
    != [
        ('CEST +0200', '2026-10-25T02:30:00+02:00'),
        ('CET +0100', '2026-10-25T02:30:00+01:00'),
    ]
)
PYTHON
