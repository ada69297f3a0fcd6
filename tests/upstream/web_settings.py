# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of ours over those with which a web suite tests itself.

What says who may do what, and how pages look, is ours; databases, search, jobs and logs
stay those of the suite.
"""

from __future__ import annotations

import importlib
import os

from qnet_mailman.web import settings as ours

THEIRS = {
    'ALLOWED_HOSTS',
    'CACHES',
    'COMPRESS_PRECOMPILERS',
    'DATABASES',
    'DEBUG',
    'HAYSTACK_CONNECTIONS',
    'LOGGING',
    'Q_CLUSTER',
    'STATIC_ROOT',
}

_stock = importlib.import_module(os.environ['QNET_UPSTREAM_SETTINGS'])
_defaults = {'COMPRESS_ENABLED': False}
for _module in (_defaults, vars(_stock), vars(ours)):
    globals().update(
        {
            name: value
            for name, value in _module.items()
            if name.isupper() and not (_module is vars(ours) and name in THEIRS)
        }
    )
# What keeps its rows and indexes in memory.
HAYSTACK_CONNECTIONS = {
    'default': {
        'ENGINE': 'haystack.backends.whoosh_backend.WhooshEngine',
        'PATH': ':memory:',
        'STORAGE': 'ram',
    },
}
# Their tests change lists and rosters, and look again at once.
RIGHTS_CACHE_SECONDS = 0
