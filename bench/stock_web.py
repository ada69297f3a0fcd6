# SPDX-License-Identifier: GPL-3.0-or-later
"""Postorius and HyperKitty as they are: our settings without what is ours.

A settings module of Django for ``bench.page_times``; see ``stock_web_urls``.
"""

from __future__ import annotations

import sys

from qnet_mailman.web import settings as ours

globals().update({key: value for key, value in vars(ours).items() if key.isupper()})


def _stock(names: list[str]) -> list[str]:
    return [name for name in names if not name.startswith('qnet_mailman')]


INSTALLED_APPS = [*_stock(ours.INSTALLED_APPS), 'compressor']
MIDDLEWARE = _stock(ours.MIDDLEWARE)
# Its own scripts and style sheets, made by libsass.
STATICFILES_FINDERS = [
    'django.contrib.staticfiles.finders.AppDirectoriesFinder',
    'compressor.finders.CompressorFinder',
]
STORAGES = {
    'default': {'BACKEND': 'django.core.files.storage.FileSystemStorage'},
    'staticfiles': {'BACKEND': 'django.contrib.staticfiles.storage.StaticFilesStorage'},
}
COMPRESS_PRECOMPILERS = [
    (mime, f'"{sys.executable}" -m pysassc {{infile}} {{outfile}}')
    for mime in ('text/x-scss', 'text/x-sass')
]
ROOT_URLCONF = 'bench.stock_web_urls'
TEMPLATES = ours.TEMPLATES
TEMPLATES[0]['OPTIONS']['context_processors'] = _stock(
    TEMPLATES[0]['OPTIONS']['context_processors']
)
LOGGING: dict[str, object] = {'version': 1, 'disable_existing_loggers': False}
LOGIN_REDIRECT_URL = 'list_index'
SOCIALACCOUNT_ADAPTER = 'allauth.socialaccount.adapter.DefaultSocialAccountAdapter'
SOCIALACCOUNT_PROVIDERS: dict[str, object] = {}
