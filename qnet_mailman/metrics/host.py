# SPDX-License-Identifier: GPL-3.0-or-later
"""What is so on this host: its queues, its runners and its disk."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator

from mailman.config import config
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from qnet_mailman import site
from qnet_mailman.health import running
from qnet_mailman.queues import heartbeat, shunted, waiting


def queues() -> Iterator[Metric]:
    """How much waits, and for how long."""
    number = GaugeMetricFamily(
        'qnet_queue_entries', 'Entries of a queue of this host.', labels=['queue']
    )
    age = GaugeMetricFamily(
        'qnet_queue_oldest_age_seconds',
        'Since when the oldest entry of a queue is in it; 0 where it is empty.',
        labels=['queue'],
    )
    for name, board in sorted(config.switchboards.items()):
        found = waiting.of(board.queue_directory)
        waits = shunted.how_many(name) if name == 'bad' else found.number
        number.add_metric([name], waits)
        waited = 0.0 if found.since is None else time.time() - found.since
        age.add_metric([name], max(0.0, waited))
    yield number
    yield age


def runners() -> Iterator[Metric]:
    """Whether each runner is there, and when it was last seen at work."""
    beats = heartbeat.beats()
    there = GaugeMetricFamily(
        'qnet_runner_up', 'Whether a runner of this host is there.', labels=['runner']
    )
    seen = GaugeMetricFamily(
        'qnet_runner_heartbeat_timestamp_seconds',
        'When a runner was last seen at work; the REST runner is who answers here.',
        labels=['runner'],
    )
    for name, is_there in running.runners().items():
        there.add_metric([name], is_there)
        # Without the number of slices, of which there may have been more.
        if (moment := beats.get(name.rpartition(':')[0])) is not None:
            seen.add_metric([name], moment)
    yield there
    yield seen


def ready() -> Iterator[Metric]:
    """Whether the plugin may work, and there is space."""
    yield GaugeMetricFamily(
        'qnet_ready',
        'Whether the plugin is set up; where not, mail stays in its queues.',
        value=site.reason_not_ready() is None,
    )
    free = GaugeMetricFamily(
        'qnet_disk_free_bytes', 'Free space where a folder is.', labels=['folder']
    )
    for name, folder in (('queue', config.QUEUE_DIR), ('var', config.VAR_DIR)):
        free.add_metric([name], shutil.disk_usage(folder).free)
    yield free
