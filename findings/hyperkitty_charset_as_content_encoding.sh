#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# HyperKitty 1.3.12: the page of an attachment has a charset for its Content-Encoding.
#
# HyperKitty stores the charset of a part as the "encoding" of the attachment, and sends
# that word as Content-Encoding, which is for codings such as gzip (RFC 9110 section 8.4);
# the Content-Type, where a charset belongs, goes without.  So a client is told of a coding
# that it cannot undo, and is not told how to read the text.  Each message with an HTML
# body has such an attachment.  One would expect "Content-Type: text/csv;
# charset=iso-8859-1" and no Content-Encoding.
#
# Seen with HyperKitty 1.3.12, mailman-web 0.0.9, Django 4.2.30, Python 3.11:
#   attachment.html: Content-Type text/html, Content-Encoding utf-8
#   rates.csv: Content-Type text/csv, Content-Encoding iso-8859-1
#   logo.gif: Content-Type image/gif, Content-Encoding None
#
# Exits with 0 while that is so, 1 if it has changed, 2 if it could not run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cd "$folder"
python3 -m venv venv || exit 2
venv/bin/pip install -q --disable-pip-version-check Django==4.2.30 mailman-web==0.0.9 \
    django-mailman3==1.3.15 HyperKitty==1.3.12 postorius==1.3.13 django-q2==1.10.0 \
    django-allauth==65.22.1 setuptools || exit 2
cat >settings.py <<'PYTHON'
from mailman_web.settings.base import *
from mailman_web.settings.mailman import *

SECRET_KEY = 'for this run alone'
ALLOWED_HOSTS = ['testserver']
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'web.db'}}
LOGGING = {}
COMPRESS_ENABLED = False
COMPRESS_PRECOMPILERS = ()
HYPERKITTY_ENABLE_GRAVATAR = False
HYPERKITTY_BATCH_MODE = True  # Nothing is asked of Mailman.
PYTHON
DJANGO_SETTINGS_MODULE=settings PYTHONPATH=. venv/bin/python -W ignore - <<'PYTHON'
import logging
import sys

import django

django.setup()
logging.disable()
from email.message import EmailMessage

from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from hyperkitty.lib.incoming import add_to_list
from hyperkitty.models import Attachment

call_command('migrate', verbosity=0)
message = EmailMessage()
message['From'] = 'ana@example.net'
message['Subject'] = 'Rates'
message['Message-ID'] = '<one@example.net>'
message.set_content('Hello\n')
message.add_alternative('<p>Grüße</p>\n', subtype='html')
message.add_attachment(
    'Zürich;1\n', subtype='csv', charset='iso-8859-1', filename='rates.csv'
)
message.add_attachment(b'GIF89a', 'image', 'gif', filename='logo.gif')
add_to_list('news@example.org', message)
seen = {}
for attachment in Attachment.objects.order_by('counter'):
    answer = Client().get(
        reverse(
            'hk_message_attachment',
            args=(
                'news@example.org',
                attachment.email.message_id_hash,
                attachment.counter,
                attachment.name,
            ),
        )
    )
    assert answer.status_code == 200
    seen[attachment.name] = (
        answer.headers['Content-Type'],
        answer.headers.get('Content-Encoding'),
    )
    print(
        f'{attachment.name}: Content-Type {seen[attachment.name][0]},',
        f'Content-Encoding {seen[attachment.name][1]}',
    )
sys.exit(
    seen
    != {
        'attachment.html': ('text/html', 'utf-8'),
        'rates.csv': ('text/csv', 'iso-8859-1'),
        'logo.gif': ('image/gif', None),
    }
)
PYTHON
