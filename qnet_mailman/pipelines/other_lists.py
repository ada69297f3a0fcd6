# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipeline `qnet-masking-pipeline`: Mailman's own, with masking (R10, R40)."""

from __future__ import annotations

from mailman.pipelines.base import BasePipeline
from mailman.pipelines.builtin import PostingPipeline as Stock
from public import public

_AT = Stock._default_handlers.index('cleanse')


@public
class MaskingPipeline(BasePipeline):
    """For lists of other styles on which a site wants masking."""

    name = 'qnet-masking-pipeline'
    description = "Mailman's own pipeline, with masking."

    _default_handlers = (
        *Stock._default_handlers[:_AT],
        'qnet-mask',
        *Stock._default_handlers[_AT:],
    )
