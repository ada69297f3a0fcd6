# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipeline `qnet-virgin-pipeline`: what Mailman and this package write."""

from __future__ import annotations

from mailman.pipelines.base import BasePipeline
from public import public


@public
class VirginPipeline(BasePipeline):
    """Mailman's own, where a list without administrators has support instead."""

    name = 'qnet-virgin-pipeline'
    description = 'Prepare a message that was written here.'

    _default_handlers = (
        'qnet-support-recipients',
        'cook-headers',
        'qnet-rfc-2369',
        'to-outgoing',
    )
