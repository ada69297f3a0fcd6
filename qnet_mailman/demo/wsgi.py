# SPDX-License-Identifier: GPL-3.0-or-later
"""The web side with its static files, which elsewhere a web server would serve."""

from __future__ import annotations

from django.contrib.staticfiles.handlers import StaticFilesHandler

from qnet_mailman.web.wsgi import application as service

application = StaticFilesHandler(service)
