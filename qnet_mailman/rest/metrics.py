# SPDX-License-Identifier: GPL-3.0-or-later
"""/metrics: what Prometheus collects (see :mod:`qnet_mailman.metrics`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric

from qnet_mailman.metrics import host, site

TEXT = 'text/plain; version=0.0.4; charset=utf-8'
"""The text format of Prometheus."""


class _Core:
    """Looks when it is asked."""

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        yield from host.ready()
        yield from host.queues()
        yield from host.runners()
        yield from site.database()


class Metrics:
    """Numbers of this host and of the site."""

    def on_get(self, request: Any, response: Any) -> None:
        """In the text format of Prometheus."""
        registry = CollectorRegistry()
        registry.register(_Core())
        response.content_type = TEXT
        response.data = generate_latest(registry)
