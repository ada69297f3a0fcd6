# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipeline runner, behind the guard."""

from __future__ import annotations

from typing import Any

from mailman.core.pipelines import process
from mailman.pipelines.builtin import PostingPipeline as StockPipeline
from mailman.runners import pipeline
from mailman.utilities.datetime import now
from public import public

from qnet_mailman.features import features_of
from qnet_mailman.mail.dates import settle_date
from qnet_mailman.mail.legible import make_legible
from qnet_mailman.mlist import Mlist
from qnet_mailman.pipelines.other_lists import MaskingPipeline
from qnet_mailman.runners.guard import Guard
from qnet_mailman.values import Mask


@public
class PipelineRunner(Guard, pipeline.PipelineRunner):
    """Prepares accepted posts."""

    def _process_one_file(self, msg: Any, msgdata: dict[str, Any]) -> None:
        # What was held, or came in another way, may not have been made so.
        make_legible(msg)
        super()._process_one_file(msg, msgdata)

    def _dispose(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> bool | None:
        """See `IRunner`."""
        features = features_of(mlist)
        if features.style:
            settle_date(msg, msgdata.get('received_time') or now())
        elif (
            features.mask is not Mask.off
            and not msgdata.get('to_owner')
            and mlist.posting_pipeline == StockPipeline.name
        ):
            process(mlist, msg, msgdata, MaskingPipeline.name)
            return False
        return super()._dispose(mlist, msg, msgdata)
