# SPDX-License-Identifier: GPL-3.0-or-later
"""All of it, in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric

from qnet_mailman.metrics import host, site


class _Core:
    """Looks when it is asked."""

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        yield from host.ready()
        yield from host.queues()
        yield from host.runners()
        yield from site.database()


def exposition() -> bytes:
    """What is so now."""
    registry = CollectorRegistry()
    registry.register(_Core())
    return generate_latest(registry)
