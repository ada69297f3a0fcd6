# SPDX-License-Identifier: GPL-3.0-or-later
"""TODO."""

from __future__ import annotations

from qnet_mailman.runners.archive import ArchiveRunner
from qnet_mailman.runners.command import CommandRunner
from qnet_mailman.runners.digest import DigestRunner
from qnet_mailman.runners.incoming import IncomingRunner
from qnet_mailman.runners.pipeline import PipelineRunner
from qnet_mailman.runners.retry import RetryRunner
from qnet_mailman.runners.task import TaskRunner
from qnet_mailman.runners.virgin import VirginRunner

GUARDED = {
    'bounces': 'qnet_mailman.runners.bounce.BounceRunner',
    'lmtp': 'qnet_mailman.runners.lmtp.LMTPRunner',
    'out': 'qnet_mailman.runners.outgoing.OutgoingRunner',
} | {
    name: f'{__name__}.{cls.__name__}'
    for name, cls in {
        'archive': ArchiveRunner,
        'command': CommandRunner,
        'digest': DigestRunner,
        'in': IncomingRunner,
        'pipeline': PipelineRunner,
        'retry': RetryRunner,
        'task': TaskRunner,
        'virgin': VirginRunner,
    }.items()
}
"""The class that `etc/mailman.cfg` names for each runner."""
