#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# HyperKitty 1.3.12: pictures within HTML mail are archived, and cannot be found again.
#
# HTML mail shows a picture of its own by <img src="cid:...">, which names the Content-ID
# of another part (RFC 2392).  HyperKitty keeps the HTML and the picture as attachments,
# but no Content-ID: the scrubber of django-mailman3 returns number, name, type, charset
# and content of a part.  So the links in the archived HTML lead nowhere, and with several
# pictures (below: of the same name) nothing in the archive says which is which.  One
# would expect the archive to keep what the message means by its links.
#
# Seen with HyperKitty 1.3.12, django-mailman3 1.3.15, Django 4.2.30, Python 3.11:
#   attachment.html: <img src="cid:before@example.net"> <img src="cid:after@example.net">
#   image.gif: 14 bytes
#   image.gif: 14 bytes
#   rows in which before@example.net stands: hyperkitty_attachment attachment.html
#   rows in which after@example.net stands: hyperkitty_attachment attachment.html
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
from email import message_from_bytes, policy
from email.message import EmailMessage

from django.apps import apps
from django.core.management import call_command
from hyperkitty.lib.incoming import add_to_list
from hyperkitty.models import Attachment

call_command('migrate', verbosity=0)
message = EmailMessage()
message['From'] = 'ana@example.net'
message['Subject'] = 'Two pictures'
message['Message-ID'] = '<one@example.net>'
names = ('before', 'after')
message.set_content(
    ' '.join(f'<img src="cid:{name}@example.net">' for name in names), subtype='html'
)
for name in names:
    message.add_related(
        b'GIF89a: ' + name.encode().ljust(6),
        'image',
        'gif',
        cid=f'<{name}@example.net>',
        disposition='inline',
        filename='image.gif',
    )
# As it comes from a mail server.
message = message_from_bytes(
    bytes(message), _class=EmailMessage, policy=policy.default
)
add_to_list('news@example.org', message)
seen = []
for attachment in Attachment.objects.order_by('counter'):
    content = bytes(attachment.content)
    text = f'{len(content)} bytes'
    if attachment.content_type == 'text/html':
        text = content.decode().strip()
    print(f'{attachment.name}: {text}')
for name in names:
    cid = f'{name}@example.net'
    rows = [
        f'{model._meta.db_table} {getattr(row, "name", row.pk)}'
        for model in apps.get_app_config('hyperkitty').get_models()
        for row in model.objects.all()
        if any(
            cid in (value.decode() if isinstance(value, bytes) else str(value))
            for value in (getattr(row, f.attname) for f in row._meta.concrete_fields)
        )
    ]
    print(f'rows in which {cid} stands:', *rows)
    seen.append(rows)
kept = [a.name for a in Attachment.objects.order_by('counter')]
sys.exit(
    (kept, seen)
    != (
        ['attachment.html', 'image.gif', 'image.gif'],
        [['hyperkitty_attachment attachment.html']] * 2,
    )
)
PYTHON
