#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# django-mailman3 1.3.15: saving one's profile puts one in Abidjan.
#
# The time zone of a new profile is empty, which is the site's own.  The profile's form
# has no empty choice, though, and marks none as chosen; of such a list a browser shows,
# and sends, the first (HTML, "the select element", a size of 1).  The list is sorted by
# name.  So who adds a first name, and never looks at the time zone, has Africa/Abidjan
# from then on, and cannot go back to the site's.  One would expect that a field which was
# not touched stays as it was.
#
# Seen with django-mailman3 1.3.15, mailman-web 0.0.9, Django 4.2.30, Python 3.11:
#   before: ''
#   choices marked: 0, empty choices: 0, the first: 'Africa/Abidjan'
#   after: 'Africa/Abidjan'
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
MAILMAN_REST_API_URL = 'http://127.0.0.1:9'  # The page does without.
PYTHON
DJANGO_SETTINGS_MODULE=settings PYTHONPATH=. venv/bin/python -W ignore - <<'PYTHON'
import logging
import sys

import django

django.setup()
logging.disable()
from html.parser import HTMLParser

from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django_mailman3.models import Profile


class Form(HTMLParser):
    """What a browser sends of the form: fields, and of a list what it shows."""

    def __init__(self):
        super().__init__()
        self.fields, self.options, self.marked, self.select = {}, [], 0, None

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == 'select':
            self.select = attrs['name']
        elif tag == 'option' and self.select == 'timezone':
            self.options.append(attrs['value'])
            self.marked += 'selected' in attrs
            self.fields.setdefault('timezone', attrs['value'])
        elif tag == 'input' and attrs.get('name') in ('username', 'first_name'):
            self.fields[attrs['name']] = attrs.get('value', '')

    def handle_endtag(self, tag):
        if tag == 'select':
            self.select = None


call_command('migrate', verbosity=0)
ana = User.objects.create_user('ana', 'ana@example.net')
browser = Client()
browser.force_login(ana)
before = Profile.objects.get(user=ana).timezone
print(f'before: {before!r}')
form = Form()
form.feed(browser.get('/user-profile/').content.decode())
empty, first = form.options.count(''), form.options[0]
print(f'choices marked: {form.marked}, empty choices: {empty}, the first: {first!r}')
browser.post('/user-profile/', {**form.fields, 'first_name': 'Ana'})
assert User.objects.get().first_name == 'Ana'
after = Profile.objects.get(user=ana).timezone
print(f'after: {after!r}')
abidjan = 'Africa/Abidjan'
sys.exit((before, form.marked, empty, first, after) != ('', 0, 0, abidjan, abidjan))
PYTHON
