#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# django-mailman3 1.3.15: TimezoneMiddleware acts on the request after the one it is for.
#
# It is in the MIDDLEWARE that Mailman's manual and mailman-web give, so that who chose a
# time zone in the profile reads all times in it.  But it calls timezone.activate() when
# the page is made already, and nothing takes that back: Django keeps the zone for the
# thread.  So the reader's own page has the server's zone, and the next page that the same
# worker makes has the reader's, whoever asks for it, signed in or not.  One would expect
# the zone for the reader's pages, and for no other.
#
# Seen with django-mailman3 1.3.15, Django 4.2.30, Python 3.11, in one thread; the site's
# zone is UTC, and the reader, ana, has Asia/Tokyo:
#   visitor: 12:00 UTC
#   ana: 12:00 UTC
#   visitor: 21:00 JST
#   visitor: 21:00 JST
#
# Exits with 0 while that is so, 1 if it has changed, 2 if it could not run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cd "$folder"
python3 -m venv venv || exit 2
venv/bin/pip install -q --disable-pip-version-check Django==4.2.30 \
    django-mailman3==1.3.15 django-allauth==65.22.1 || exit 2
cat >site_of_one_page.py <<'PYTHON'
from datetime import datetime, timezone

from django.http import HttpResponse
from django.template import Context, Engine
from django.urls import path

SECRET_KEY = 'for this run alone'
ALLOWED_HOSTS = ['127.0.0.1']
ROOT_URLCONF = __name__
USE_TZ = True
TIME_ZONE = 'UTC'
SITE_ID = 1
DEFAULT_AUTO_FIELD = 'django.db.models.AutoField'
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'site.db'}}
LOGGING_CONFIG = None
INSTALLED_APPS = [
    'django_mailman3',
    'django.contrib.auth',
    'django.contrib.contenttypes',
    'django.contrib.sessions',
    'django.contrib.sites',
    'django.contrib.messages',
    'allauth',
    'allauth.account',
    'allauth.socialaccount',
]
MIDDLEWARE = [
    'django.contrib.sessions.middleware.SessionMiddleware',
    'django.contrib.auth.middleware.AuthenticationMiddleware',
    'django.contrib.messages.middleware.MessageMiddleware',
    'allauth.account.middleware.AccountMiddleware',
    'django_mailman3.middleware.TimezoneMiddleware',
]


def page(request):
    noon = datetime(2026, 1, 15, 12, tzinfo=timezone.utc)
    template = Engine().from_string('{{ noon|date:"H:i T" }}')
    return HttpResponse(template.render(Context({'noon': noon})))


urlpatterns = [path('', page)]
PYTHON
DJANGO_SETTINGS_MODULE=site_of_one_page PYTHONPATH=. venv/bin/python -W ignore - <<'PYTHON'
import sys
import threading
import urllib.request
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from django.core.wsgi import get_wsgi_application

django.setup()

from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

call_command('migrate', verbosity=0)
ana = User.objects.create_user('ana', 'ana@example.net')
ana.mailman_profile.timezone = 'Asia/Tokyo'
ana.mailman_profile.save()
browser = Client()
browser.force_login(ana)
session = browser.cookies['sessionid'].value


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


# Serves one request after the other, as a worker of a web server does.
server = make_server('127.0.0.1', 0, get_wsgi_application(), handler_class=Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()
seen = []
for who in ('visitor', 'ana', 'visitor', 'visitor'):
    request = urllib.request.Request(f'http://127.0.0.1:{server.server_port}/')
    if who == 'ana':
        request.add_header('Cookie', f'sessionid={session}')
    with urllib.request.urlopen(request, timeout=60) as answer:
        seen.append(answer.read().decode())
    print(f'{who}: {seen[-1]}')
server.shutdown()
sys.exit(seen != ['12:00 UTC', '12:00 UTC', '21:00 JST', '21:00 JST'])
PYTHON
