# SPDX-License-Identifier: GPL-3.0-or-later
"""The WSGI application; ``etc/gunicorn/gunicorn.conf.py`` says how it is served.

Static files are the business of the web server before it.
"""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'qnet_mailman.web.settings')

application = get_wsgi_application()
