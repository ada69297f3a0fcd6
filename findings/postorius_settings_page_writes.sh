#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Postorius 1.3.13: to look at one's Mailman settings is to change them.
#
# What a member has not chosen, Mailman takes from the list (the language) or the site.
# Postorius shows the page "global Mailman preferences" by filling the user's own with the
# site's, and saves them in Mailman, at a GET.  So who once looked and submitted nothing
# has chosen everything: on a list in German, Mailman's messages to such a member are in
# English from then on, the site's language.  One would expect a GET to change nothing
# (RFC 9110 section 9.2.1).
#
# Seen with Postorius 1.3.13, Mailman 3.3.10, mailman-web 0.0.9, Django 4.2.30, Python
# 3.11; of ana and ben, members of a list in German, ana opens the page:
#   ana is written to in de, and has chosen nothing
#   ben is written to in de, and has chosen nothing
#   GET /mailman3/accounts/mailmansettings/: 200
#   ana is written to in en, and has chosen acknowledge_posts, delivery_mode,
#     delivery_status, hide_address, preferred_language, receive_list_copy,
#     receive_own_postings
#   ben is written to in de, and has chosen nothing
#
# Exits with 0 while that is so, 1 if it has changed, 2 if it could not run.
set -eu
folder=$(mktemp -d)
core=
leave() {
    [ -z "$core" ] || kill "$core" 2>/dev/null || :
    [ -z "$core" ] || wait "$core" 2>/dev/null || :
    rm -rf "$folder"
}
trap leave EXIT
trap 'exit 2' INT TERM
cd "$folder"
python3 -m venv core && python3 -m venv web || exit 2
core/bin/pip install -q --disable-pip-version-check mailman==3.3.10 sqlalchemy==2.0.43 ||
    exit 2
web/bin/pip install -q --disable-pip-version-check Django==4.2.30 mailman-web==0.0.9 \
    django-mailman3==1.3.15 HyperKitty==1.3.12 postorius==1.3.13 django-q2==1.10.0 \
    django-allauth==65.22.1 setuptools || exit 2
port=$(python3 -c "
import socket
with socket.create_server(('127.0.0.1', 0)) as s: print(s.getsockname()[1])")
cat >mailman.cfg <<CFG
[mailman]
layout: here
[paths.here]
var_dir: $folder/var
[webservice]
port: $port
CFG
cat >serve.py <<'PYTHON'
from wsgiref.simple_server import WSGIRequestHandler, make_server

from mailman.core.initialize import initialize

initialize('mailman.cfg')
from mailman.config import config
from mailman.rest.wsgiapp import make_application


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


port = int(config.webservice.port)
server = make_server('127.0.0.1', port, make_application(), handler_class=Quiet)
open('ready', 'w').close()
server.serve_forever()
PYTHON
core/bin/python -W ignore serve.py &
core=$!
cat >look.py <<'PYTHON'
from mailman.core.initialize import initialize

initialize('mailman.cfg')
from mailman.interfaces.listmanager import IListManager
from zope.component import getUtility

chosen = (
    'acknowledge_posts',
    'delivery_mode',
    'delivery_status',
    'hide_address',
    'preferred_language',
    'receive_list_copy',
    'receive_own_postings',
)
members = getUtility(IListManager).get('news@example.org').members.members
for member in sorted(members, key=lambda member: member.address.email):
    name = member.address.email.partition('@')[0]
    own = member.user.preferences
    print(
        f'{name} is written to in {member.preferred_language.code}, and has chosen',
        ', '.join(one for one in chosen if getattr(own, one) is not None) or 'nothing',
    )
PYTHON
cat >settings.py <<PYTHON
from mailman_web.settings.base import *
from mailman_web.settings.mailman import *

SECRET_KEY = 'for this run alone'
ALLOWED_HOSTS = ['testserver']
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'web.db'}}
LOGGING = {}
COMPRESS_ENABLED = False
COMPRESS_PRECOMPILERS = ()
HYPERKITTY_ENABLE_GRAVATAR = False
MAILMAN_REST_API_URL = 'http://127.0.0.1:$port'
PYTHON
for _ in $(seq 120); do
    [ ! -e ready ] || break
    sleep 1
done
cat >website.py <<'PYTHON'
import logging
import sys

import django

django.setup()
logging.disable()
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django_mailman3.lib.mailman import get_mailman_client

if sys.argv[1] == 'prepare':
    call_command('migrate', verbosity=0)
    mlist = get_mailman_client().create_domain('example.org').create_list('news')
    mlist.settings['preferred_language'] = 'de'
    mlist.settings['send_welcome_message'] = False
    mlist.settings.save()
    for name in ('ana', 'ben'):
        user = User.objects.create_user(name, f'{name}@example.net')
        EmailAddress.objects.create(
            user=user, email=user.email, verified=True, primary=True
        )
        mlist.subscribe(
            user.email, pre_verified=True, pre_confirmed=True, pre_approved=True
        )
else:
    browser = Client()
    browser.force_login(User.objects.get(username='ana'))
    page = reverse('user_mailmansettings')
    print(f'GET {page}: {browser.get(page).status_code}')
PYTHON
site() {
    DJANGO_SETTINGS_MODULE=settings PYTHONPATH=. web/bin/python -W ignore website.py "$1"
}
site prepare || exit 2
before=$(core/bin/python -W ignore look.py) || exit 2
echo "$before"
site visit || exit 2
after=$(core/bin/python -W ignore look.py) || exit 2
echo "$after"
test "$before" = 'ana is written to in de, and has chosen nothing
ben is written to in de, and has chosen nothing'
test "$after" = "ana is written to in en, and has chosen acknowledge_posts, delivery_mode,\
 delivery_status, hide_address, preferred_language, receive_list_copy,\
 receive_own_postings
ben is written to in de, and has chosen nothing"
