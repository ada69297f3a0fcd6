# SPDX-License-Identifier: GPL-3.0-or-later
"""The web side's own settings on this host.

Copy this file to /etc/qnet-mailer/settings_local.py (or name another place in
the environment variable QNET_WEB_SETTINGS), fill it in, and let only the web
side's user read it (mode 0600).  It is Python: any Django setting may be given
here, and wins over the one in qnet_mailman/web/settings.py.

Then, as that user:

    export DJANGO_SETTINGS_MODULE=qnet_mailman.web.settings
    django-admin migrate
    django-admin createcachetable
    django-admin collectstatic --noinput
    django-admin check --deploy
    gunicorn qnet_mailman.web.wsgi --bind 127.0.0.1:8000
    django-admin qcluster
"""

# Where people reach the site.  Only this host name (and loopback) is answered.
WEB_URL = 'https://lists.example.gov'

# A folder that the web side's user may write: search index, static files (the
# web server serves VAR_DIR/static as /static/), and the SQLite database unless
# DATABASES names another.
VAR_DIR = '/var/lib/qnet-mailer/web'

# Random, and known to nobody else:
#   python3 -c 'import secrets; print(secrets.token_urlsafe(48))'
SECRET_KEY = ''

# Mailman core's REST server: [webservice] in mailman.cfg.
MAILMAN_REST_API_URL = 'http://localhost:8001'
MAILMAN_REST_API_USER = 'restadmin'
MAILMAN_REST_API_PASS = ''

# The same as api_key in mailman-hyperkitty.cfg.
MAILMAN_ARCHIVER_KEY = ''
# The hosts from which core sends to the archive, where it is not this one.
# MAILMAN_ARCHIVER_FROM = ('127.0.0.1', '::1', '192.0.2.10')

# Mail about accounts: whom it comes from, and the server that takes it.
DEFAULT_FROM_EMAIL = 'noreply@example.gov'
EMAIL_HOST = 'localhost'
EMAIL_PORT = 25

# Whom the pages name for help and requests, such as another bounce threshold:
# the support_address of qnet.cfg.
# SUPPORT_ADDRESS = 'help@example.gov'

# PostgreSQL, for everything but a small host.
# DATABASES = {
#     'default': {
#         'ENGINE': 'django.db.backends.postgresql',
#         'NAME': 'qnet_web',
#         'USER': 'qnet_web',
#         'PASSWORD': '',
#         'HOST': 'localhost',
#     },
# }

# Where nginx (or another proxy on this host) ends TLS, sets this field itself
# and removes it from what browsers send:
# SECURE_PROXY_SSL_HEADER = ('HTTP_X_FORWARDED_PROTO', 'https')

# The header field in which that proxy says whom it got a request from.  The sign-up
# page takes only so many requests an hour from one client; without this, all clients
# behind the proxy count as one.  The proxy must set the field itself (with nginx:
# proxy_set_header X-Real-IP $remote_addr).  Of several values the last one counts.
# CLIENT_ADDRESS_HEADER = 'HTTP_X_REAL_IP'

# Tells browsers to use nothing but https for this many seconds.  Start small.
# SECURE_HSTS_SECONDS = 3600
