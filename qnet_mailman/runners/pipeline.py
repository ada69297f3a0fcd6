# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipeline runner, behind the guard."""

from __future__ import annotations

from typing import Any

from mailman.runners import pipeline
from mailman.utilities.datetime import now
from public import public

from qnet_mailman.mail.dates import settle_date
from qnet_mailman.mail.legible import make_legible
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.lists import row_of
from qnet_mailman.runners.guard import Guard


@public
class PipelineRunner(Guard, pipeline.PipelineRunner):
    """Prepares accepted posts."""

    def _process_one_file(self, msg: Any, msgdata: dict[str, Any]) -> None:
        # What was held, or came in another way, may not have been made so.
        make_legible(msg)
        super()._process_one_file(msg, msgdata)

    def _dispose(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> bool | None:
        """See `IRunner`."""
        if row_of(mlist) is not None:
            settle_date(msg, msgdata.get('received_time') or now())
        return super()._dispose(mlist, msg, msgdata)
