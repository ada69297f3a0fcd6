# SPDX-License-Identifier: GPL-3.0-or-later
"""/metrics: what Prometheus collects (see :mod:`qnet_mailman.metrics`)."""

from __future__ import annotations

from typing import Any

from qnet_mailman.metrics.text import exposition

TEXT = 'text/plain; version=0.0.4; charset=utf-8'
"""The text format of Prometheus."""


class Metrics:
    """Numbers of this host and of the site."""

    def on_get(self, request: Any, response: Any) -> None:
        """In the text format of Prometheus."""
        response.content_type = TEXT
        response.data = exposition()
