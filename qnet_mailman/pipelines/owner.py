# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipeline `qnet-owner-pipeline`: mail to the -owner address of a list."""

from __future__ import annotations

from mailman.pipelines.base import BasePipeline
from public import public


@public
class OwnerPipeline(BasePipeline):
    """Mailman's own, where a list without administrators has support instead."""

    name = 'qnet-owner-pipeline'
    description = 'Prepare a message to the people who look after a list.'

    _default_handlers = (
        'cleanse-dkim',
        'owner-recipients',
        'qnet-support-recipients',
        'to-outgoing',
    )
