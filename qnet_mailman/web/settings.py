# SPDX-License-Identifier: GPL-3.0-or-later
"""Django's settings for the service: Postorius, HyperKitty and our pages.

Everything that differs from host to host comes from the site file (see
:mod:`qnet_mailman.web.sitefile`), which is read here, once.  A setting that the
site file gives wins over the one below.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.contrib.messages import constants

from qnet_mailman.logs.stderr import to_stderr
from qnet_mailman.web.harp.config import for_allauth
from qnet_mailman.web.sitefile import read_site_file, site_path
from qnet_mailman.web.versions import require_django

require_django()
_site = read_site_file(site_path())
_url = urlsplit(_site['WEB_URL'])
_var = Path(_site['VAR_DIR'])
_https = _url.scheme == 'https'

# Who we are.

DEBUG = False
SITE_ID = 1
#: The name that the pages show.
SITE_NAME = 'QualityNet Mailer'
WEB_URL = _site['WEB_URL'].rstrip('/')
#: Whom the pages name for help and requests; without it, they name nobody.
SUPPORT_ADDRESS = ''
#: More ways to reach them, on the page "Need help?": a chat is a web address or a few
#: words, links (portals, other chats) are labels and web addresses.
SUPPORT_PHONE = ''
SUPPORT_CHAT = ''
SUPPORT_LINKS: dict[str, str] = {}
#: Where they say to send request forms; without it, to the address above.
FORMS_ADDRESS = ''
#: Domains that many readers have, beside those of well-known providers: the sign-up
#: page asks about near misses ("Did you mean …?"), so they are no secret.
SIGNUP_DOMAINS: tuple[str, ...] = ()
#: Whose service it is, for mail about accounts; may be empty.
AGENCY = ''
#: What an agency has to name below each page and mail: labels and addresses.
AGENCY_LINKS: dict[str, str] = {}
#: The agency's look: a picture beside the name, and colours (see `web/frame/brand.py`).
BRAND_LOGO = ''
BRAND_COLORS: dict[str, str] = {}
#: Whether each page begins with "An official website of the United States government".
OFFICIAL_BANNER = False
#: Whom to tell of a weakness (`mailto:` or `https:`), and the page that says how;
#: without the first there is no `security.txt`.
SECURITY_CONTACT = ''
SECURITY_POLICY = ''
# The loopback names are for core, which archives through them.
ALLOWED_HOSTS = [_url.hostname, 'localhost', '127.0.0.1']
# By this address core knows Postorius's texts; it fetches them where it archives.
POSTORIUS_TEMPLATE_BASE_URL = WEB_URL

# Browsers.

CSRF_TRUSTED_ORIGINS = [WEB_URL]
CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_SECURE = _https
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = 'same-origin'
X_FRAME_OPTIONS = 'DENY'
#: The header field in which a proxy before us says whom it got a request from, as
#: Django names it; without it, clients have the address of their connection.
CLIENT_ADDRESS_HEADER = ''

# Applications.  Ours come first, so that their templates win.

INSTALLED_APPS = [
    'qnet_mailman.web.frame',
    'qnet_mailman.web.home',
    'qnet_mailman.web.help',
    'qnet_mailman.web.signup',
    'qnet_mailman.web.request_forms',
    'qnet_mailman.web.review',
    'qnet_mailman.web.adoption',
    'qnet_mailman.web.operators',
    'qnet_mailman.web.deciding',
    'qnet_mailman.web.leaving',
    'qnet_mailman.web.posts',
    'qnet_mailman.web.accounts',
    'qnet_mailman.web.harp',
    'qnet_mailman.web.gate',
    'qnet_mailman.web.lists',
    'qnet_mailman.web.archive',
    'hyperkitty',
    'postorius',
    'django_mailman3',
    'django.contrib.admin',
    'django.contrib.auth',
    'django.contrib.contenttypes',
    'django.contrib.sessions',
    'django.contrib.sites',
    'django.contrib.messages',
    'django.contrib.staticfiles',
    'django.contrib.humanize',
    'rest_framework',
    'django_gravatar',
    'haystack',
    'django_extensions',
    'django_q',
    'allauth',
    'allauth.account',
    'allauth.socialaccount',
]

MIDDLEWARE = [
    'qnet_mailman.web.hosts.HostMiddleware',
    'django.middleware.security.SecurityMiddleware',
    'whitenoise.middleware.WhiteNoiseMiddleware',
    # Pages; their length tells nothing of what is secret in them (BREACH): it differs
    # each time, and forms' tokens are masked.
    'django.middleware.gzip.GZipMiddleware',
    'qnet_mailman.web.frame.middleware.ContentSecurityPolicyMiddleware',
    'django.contrib.sessions.middleware.SessionMiddleware',
    'django.middleware.common.CommonMiddleware',
    'django.middleware.csrf.CsrfViewMiddleware',
    'django.contrib.auth.middleware.AuthenticationMiddleware',
    'qnet_mailman.web.frame.clock.TimezoneMiddleware',
    'django.contrib.messages.middleware.MessageMiddleware',
    'qnet_mailman.web.away.CoreAwayMiddleware',
    'qnet_mailman.web.harp.middleware.ProviderSessionMiddleware',
    'qnet_mailman.web.gate.middleware.GateMiddleware',
    'django.middleware.clickjacking.XFrameOptionsMiddleware',
    'allauth.account.middleware.AccountMiddleware',
]

ROOT_URLCONF = 'qnet_mailman.web.urls'
WSGI_APPLICATION = 'qnet_mailman.web.wsgi.application'

TEMPLATES = [
    {
        'BACKEND': 'django.template.backends.django.DjangoTemplates',
        'OPTIONS': {
            'loaders': [
                (
                    'django.template.loaders.cached.Loader',
                    [
                        'django.template.loaders.filesystem.Loader',
                        'django.template.loaders.app_directories.Loader',
                    ],
                )
            ],
            'context_processors': [
                'django.template.context_processors.debug',
                'django.template.context_processors.i18n',
                'django.template.context_processors.media',
                'django.template.context_processors.static',
                'django.template.context_processors.csrf',
                'django.template.context_processors.request',
                'django.contrib.auth.context_processors.auth',
                'django.contrib.messages.context_processors.messages',
                'django_mailman3.context_processors.common',
                'qnet_mailman.web.frame.context.site',
            ],
        },
    },
]

# State.

DATABASES: dict[str, Any] = {
    'default': {
        'ENGINE': 'django.db.backends.sqlite3',
        'NAME': str(_var / 'web.db'),
        # Enough for one small host.  Readers do not wait for a writer (WAL),
        # and a writer waits for another (seconds) instead of failing.
        'OPTIONS': {
            'timeout': 30,
            'transaction_mode': 'IMMEDIATE',
            'init_command': 'PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;',
        },
    },
}
DEFAULT_AUTO_FIELD = 'django.db.models.AutoField'

# Shared by all web processes, so that allauth's limits hold with any number.
CACHES = {
    'default': {
        'BACKEND': 'django.core.cache.backends.db.DatabaseCache',
        'LOCATION': 'web_cache',
    },
}

# Language and time.

# Whatever a browser prefers: half a page in another language is worse than none.
LANGUAGE_CODE = 'en-us'
LANGUAGES = [('en', 'English')]
#: As core's `time_zone` in qnet.cfg; people choose others for themselves.
TIME_ZONE = 'UTC'
USE_I18N = True
USE_TZ = True

# Static files: ours and the admin pages', under names with a hash.

STATIC_URL = '/static/'
STATIC_ROOT = str(_var / 'static')
STATICFILES_FINDERS = [
    'qnet_mailman.web.frame.files.AppFiles',
    'qnet_mailman.web.frame.files.BrandFiles',
]
STORAGES = {
    'default': {'BACKEND': 'django.core.files.storage.FileSystemStorage'},
    'staticfiles': {'BACKEND': 'qnet_mailman.web.frame.files.Storage'},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

# Messages are dressed by their level's name.
MESSAGE_TAGS = {constants.DEBUG: 'info'}

# Accounts (django-allauth).

AUTHENTICATION_BACKENDS = [
    'django.contrib.auth.backends.ModelBackend',
    'allauth.account.auth_backends.AuthenticationBackend',
]
LOGIN_URL = 'account_login'
LOGIN_REDIRECT_URL = 'qnet_start'
# The sign-up page is for those without an account; what Postorius's own form says
# differs for an address that is subscribed (R13).
SHOW_ANONYMOUS_SUBSCRIBE_FORM = False
# Without it every page of a signed-in person is an error 500.
LOGOUT_URL = 'account_logout'
ACCOUNT_LOGIN_METHODS = {'username', 'email'}
# Nobody chooses a user name: it could look like somebody else's ID at a provider, and
# the answer would tell who has an account.
ACCOUNT_SIGNUP_FIELDS = ['email*', 'password1*', 'password2*']
ACCOUNT_FORMS = {'login': 'qnet_mailman.web.accounts.forms.SignInForm'}
ACCOUNT_ADAPTER = 'qnet_mailman.web.accounts.adapter.AccountAdapter'
# An address nobody has proved must not become somebody's Mailman user.
ACCOUNT_EMAIL_VERIFICATION = 'mandatory'
ACCOUNT_UNIQUE_EMAIL = True
# allauth would also mail a code, to whichever of the person's addresses they choose.
ACCOUNT_REAUTHENTICATION_METHODS = ['password']
# Mail says in its sender's name which service it is from.
ACCOUNT_EMAIL_SUBJECT_PREFIX = ''
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _url.scheme
AUTH_PASSWORD_VALIDATORS = [
    {'NAME': f'django.contrib.auth.password_validation.{name}'}
    for name in (
        'UserAttributeSimilarityValidator',
        'MinimumLengthValidator',
        'CommonPasswordValidator',
        'NumericPasswordValidator',
    )
]

# Signing in through a provider.  A person is an issuer and a subject: no address
# links a sign-in to an account that is here already.
SOCIALACCOUNT_ADAPTER = 'qnet_mailman.web.harp.adapter.SocialAccountAdapter'
SOCIALACCOUNT_PROVIDERS = for_allauth(_site['OPENID_PROVIDERS'])
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = False
# Only what refreshing needs is kept, and that is sealed.
SOCIALACCOUNT_STORE_TOKENS = False
# A link that somebody else made must not sign a person in: there is a button.
SOCIALACCOUNT_LOGIN_ON_GET = False
#: Whether superusers may sign in with a local password.  That is the only way in
#: before a provider is connected, and for emergencies; otherwise off.
LOCAL_SUPERUSERS = not _site['OPENID_PROVIDERS']
#: Whether anybody may make an account with a password.  Where there is a provider,
#: people sign in through it, and members need no account.
LOCAL_SIGN_UP = not _site['OPENID_PROVIDERS']
#: Whether owners and moderators of lists without one of our styles need a role, too, as
#: on ours (R24).  Otherwise they are who the list says, with a password of this site.
OTHER_LISTS_NEED_ROLE = False
#: Idle seconds after which a session that was signed in through a provider ends.
ROLE_IDLE_SECONDS = 8 * 3600
#: The same for operators, however they signed in.
OPERATOR_IDLE_SECONDS = 30 * 60
#: Seconds for which core's answer about a person's rights counts, at most 60 (R26), and
#: the one about which archives are public, at most 15.
RIGHTS_CACHE_SECONDS = 60

# HyperKitty.

# Only core on this host may add to the archive.
MAILMAN_ARCHIVER_FROM = ('127.0.0.1', '::1')
# A post from a web form would have no DMARC, DKIM or SPF result (R6).
HYPERKITTY_ALLOW_WEB_POSTING = False
# Pictures would tell a third party whose page is being read.
HYPERKITTY_ENABLE_GRAVATAR = False
# Its API knows people by their session alone: a password with every request would go
# round the limits of signing in, and round R27.
REST_FRAMEWORK = {
    'DEFAULT_AUTHENTICATION_CLASSES': [
        'rest_framework.authentication.SessionAuthentication',
    ],
    # No pages: they would be in a frame of another product.
    'DEFAULT_RENDERER_CLASSES': ['rest_framework.renderers.JSONRenderer'],
}
HAYSTACK_CONNECTIONS = {
    'default': {
        'ENGINE': 'haystack.backends.whoosh_backend.WhooshEngine',
        'PATH': str(_var / 'search-index'),
    },
}
# One for all that write the index: its place of old differs for each service.
HYPERKITTY_JOBS_UPDATE_INDEX_LOCKFILE = str(_var / 'search-index.lock')
# `django-admin qcluster` runs the jobs.
Q_CLUSTER = {
    'orm': 'default',
    'workers': 1,
    'timeout': 300,
    'retry': 360,
    'save_limit': 100,
}

#: Whether each line is a JSON object, as core's are where its settings say so.
LOG_JSON = bool(_site.get('LOG_JSON'))

LOGGING = to_stderr({'django': 'WARNING', 'qnet': 'INFO'}, as_json=LOG_JSON)

globals().update(_site)
