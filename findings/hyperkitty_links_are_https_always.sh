#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# HyperKitty 1.3.12: the address in Archived-At is not the one that HyperKitty has.
#
# mailman-hyperkitty asks HyperKitty for the address of a message, which Mailman writes
# into Archived-At.  The answer has always the scheme https, and the host of a table in
# HyperKitty's database: the site that goes with the list's mail domain, or else the mail
# domain itself.  The scheme, the host and the port that were asked have no part in it.  So
# a site on plain HTTP, or on a port of its own, gives links that lead nowhere, until
# somebody writes "host:port" as the name of the site; the scheme stays.
#
# Seen with HyperKitty 1.3.12, mailman-web 0.0.9, Django 4.2.30, Python 3.11, asked at
# http://lists.example.net:8080/archives/ for a message:
#   no table: https://example.org/archives/...
#   site lists.example.net: https://lists.example.net/archives/...
#   site lists.example.net:8080: https://lists.example.net:8080/archives/...
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
ALLOWED_HOSTS = ['lists.example.net']
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'web.db'}}
LOGGING = {}
COMPRESS_ENABLED = False
COMPRESS_PRECOMPILERS = ()
HYPERKITTY_ENABLE_GRAVATAR = False
ACCOUNT_DEFAULT_HTTP_PROTOCOL = 'http'
PYTHON
DJANGO_SETTINGS_MODULE=settings PYTHONPATH=. venv/bin/python -W ignore - <<'PYTHON'
import json
import logging
import sys

import django

django.setup()
logging.disable()
from django.conf import settings
from django.contrib.sites.models import Site
from django.core.management import call_command
from django.test import Client
from django_mailman3.models import MailDomain

call_command('migrate', verbosity=0)


def ask():
    answer = Client().get(
        '/archives/api/mailman/urls?mlist=news@example.org&msgid=one@example.net',
        headers={'Authorization': f'Token {settings.MAILMAN_ARCHIVER_KEY}'},
        SERVER_NAME='lists.example.net',
        SERVER_PORT='8080',
    )
    assert answer.status_code == 200, answer
    start, below, path = json.loads(answer.content)['url'].partition('/archives/')
    assert path.startswith('list/news@example.org/message/'), path
    return start + below


seen = [ask()]
print(f'no table: {seen[0]}...')
site = Site.objects.get_current()
MailDomain.objects.create(site=site, mail_domain='example.org')
for host in ('lists.example.net', 'lists.example.net:8080'):
    site.domain = host
    site.save()
    seen.append(ask())
    print(f'site {host}: {seen[-1]}...')
hosts = ('example.org', 'lists.example.net', 'lists.example.net:8080')
sys.exit(seen != [f'https://{host}/archives/' for host in hosts])
PYTHON
