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
    gunicorn -c /etc/qnet-mailer/gunicorn.conf.py
    django-admin qcluster
"""

# Where people reach the site.  Only this host name (and loopback) is answered, and
# links have this name and port whatever a request says.
WEB_URL = 'https://lists.example.gov'

# A folder that the web side's user may write: search index, static files (the
# web server serves VAR_DIR/static as /static/), and the SQLite database unless
# DATABASES names another.
VAR_DIR = '/var/lib/qnet-mailer/web'

# Random, and known to nobody else:
#   python3 -c 'import secrets; print(secrets.token_urlsafe(48))'
SECRET_KEY = ''

# Mailman core's REST server: [webservice] in mailman.cfg.  What core shows to this site
# is made from the password; after changing it, run `django-admin register_texts`.
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
# More ways to reach them, on the page "Need help?": support_phone and support_chat of
# qnet.cfg, and links.
# SUPPORT_PHONE = ''
# SUPPORT_CHAT = ''
# SUPPORT_LINKS = {
#     'Support portal (open a ticket and follow it)': 'https://support.example.gov/',
#     'Service portal (staff and vendors, with sign-in)': 'https://portal.example.gov/',
# }

# Where the pages say to send request forms: the forms_address of qnet.cfg.
# Without it, to the address above.
# FORMS_ADDRESS = 'requests@lists.example.gov'

# Domains that many readers have: the sign-up page asks "Did you mean ...?" about near
# misses, of these as of well-known providers' (gmail.com). What is here is no secret.
# SIGNUP_DOMAINS = ('agency.example.gov',)

# Whose service it is: below mail about accounts, as agency of qnet.cfg below all other.
# AGENCY = 'Agency of Examples'

# The pages that your agency has to name below each page and mail about accounts, by
# what they are called; the same as agency_links of qnet.cfg, which is for other mail.
# AGENCY_LINKS = {
#     'About': 'https://agency.example.gov/about',
#     'Privacy policy': 'https://agency.example.gov/privacy',
#     'Accessibility': 'https://agency.example.gov/accessibility',
#     'FOIA': 'https://agency.example.gov/foia',
#     'No FEAR Act': 'https://agency.example.gov/no-fear-act',
#     'Inspector General': 'https://oig.example.gov/',
#     'Performance reports': 'https://agency.example.gov/performance',
#     'Vulnerability disclosure': 'https://agency.example.gov/vulnerability',
#     'USA.gov': 'https://www.usa.gov/',
# }

# Your agency's look: a picture beside the name in each page's head (.svg or .png, at
# most 30,000 octets, which this user may read), and colours: all three, dark enough for
# white text (WCAG 2.1 AA; a lighter one is refused at the start).  After a change:
# `django-admin collectstatic --noinput`, and start the web side again.
# SITE_NAME = 'QualityNet Mailer'
# The time zone of pages, for whoever has chosen no other; as time_zone in qnet.cfg.
# TIME_ZONE = 'America/New_York'
# BRAND_LOGO = '/etc/qnet-mailer/logo.svg'
# BRAND_COLORS = {
#     'primary': '#005ea2',
#     'primary-dark': '#1a4480',
#     'primary-darker': '#162e51',
# }

# Begins each page with "An official website of the United States government".
# OFFICIAL_BANNER = True

# Whom to tell of a weakness, and the page that says how: /.well-known/security.txt
# (RFC 9116), which is not there without the first.
# SECURITY_CONTACT = 'mailto:security@example.gov'
# SECURITY_POLICY = 'https://agency.example.gov/vulnerability'

# Signing in through HARP, or any OpenID provider; as many as there are.  The key
# ('harp') is in the addresses and in harp_id of forms ("harp:pexample"), so keep
# it.  Register at the provider what `django-admin check_providers` prints, and
# ask for its issuer, a client ID and a client secret.  Without a provider nobody
# can administer a list, and only then are local superusers let in by default.
# OPENID_PROVIDERS = {
#     'harp': {
#         'name': 'HARP',
#         # Letter by letter as in its /.well-known/openid-configuration.
#         'issuer': 'https://harp.example.gov/oauth2/default',
#         'client_id': 'qnet-mailer',
#         'client_secret': '',
#         # How the secret is shown: client_secret_basic or client_secret_post.
#         'token_auth_method': 'client_secret_basic',
#         # "offline_access" is for refresh.
#         'scope': ('openid', 'profile', 'email'),
#         # Where in the claims what is.  "a.b" leads into nested objects.
#         'claims': {
#             # The ID that forms give as harp_id.  It must never be given to
#             # another person.
#             'user_id': 'sub',
#             'name': 'name',
#             'email': 'email',
#             # Must be true, or the person is not let in.
#             'email_verified': 'email_verified',
#             'roles': 'roles',
#             # objects: [{"program": ..., "organization": ..., "role": ...}]
#             #     (program_key, organization_key and role_key name the keys)
#             # strings: ["QualityNet Workspace/QualityNet Mailer/List Moderator"]
#             #     (separator is what stands between; '' if it is the role alone,
#             #     then set program and organization to ())
#             # delimited: one string of these (delimiter stands between them)
#             'roles_form': 'objects',
#             # The names there; several are accepted, () does not look.
#             'program': 'QualityNet Workspace',
#             'organization': 'QualityNet Mailer',
#             'administrator': 'List Administrator',
#             'moderator': ('List Moderator',),
#             'ignore_case': True,
#         },
#         # By how many seconds the clocks may differ.
#         'clock_skew': 60,
#         # How `django-admin refresh_roles` (qnet-refresh-roles.timer) asks about
#         # people who do not sign in: none, userinfo or introspection.  It stores
#         # refresh tokens, encrypted with a key made from SECRET_KEY.
#         'refresh': 'none',
#         # Shown to people without a role, in place of our general text.
#         'help_text': '',
#     },
# }

# Lets superusers sign in with a local password although there is a provider:
# for emergencies, and off again afterwards.
# LOCAL_SUPERUSERS = True

# Lets anybody make an account with a password although there is a provider.  Members
# need none to subscribe or to leave.
# LOCAL_SIGN_UP = True

# Lets the owners and moderators of lists without one of our styles look after them only
# while they have the role List Administrator or List Moderator and sign in through a
# provider, as on our lists.  Without it they sign in with their password, as before.
# OTHER_LISTS_NEED_ROLE = True

# After how many idle seconds a session ends that was signed in through a provider,
# and one of an operator.
# ROLE_IDLE_SECONDS = 28800
# OPERATOR_IDLE_SECONDS = 1800

# PostgreSQL (etc/postgresql/qnet-mailer.sql).  With a password, as the backup, which
# core's user makes, comes in with it, too.
DATABASES = {
    'default': {
        'ENGINE': 'django.db.backends.postgresql',
        'NAME': 'qnet_web',
        'USER': 'qnet-web',
        'PASSWORD': '',
        'HOST': '127.0.0.1',
    },
}

# Where nginx (or another proxy on this host) ends TLS, sets this field itself
# and removes it from what browsers send:
SECURE_PROXY_SSL_HEADER = ('HTTP_X_FORWARDED_PROTO', 'https')

# The header field in which that proxy says whom it got a request from.  The sign-up
# page takes only so many requests an hour from one client, and so do the pages for
# signing in; without this, all clients behind the proxy count as one.  The proxy must
# set the field itself (with nginx: proxy_set_header X-Real-IP $remote_addr).  Of
# several values the last one counts.
CLIENT_ADDRESS_HEADER = 'HTTP_X_REAL_IP'

# Tells browsers to use nothing but https for this many seconds, where the proxy does
# not (etc/nginx/qnet-mailer.conf does).
# SECURE_HSTS_SECONDS = 3600

# Writes each line of the log (standard error, and so the journal) as one JSON object.
# LOG_JSON = True
