# SPDX-License-Identifier: GPL-3.0-or-later
"""The digest runner: none of a list that is closed."""

from __future__ import annotations

from typing import Any

from mailman.runners import digest
from public import public

from qnet_mailman.lists import closing
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.closures import closure_of
from qnet_mailman.runners.guard import Guard


@public
class DigestRunner(Guard, digest.DigestRunner):
    """Makes digests, none of a list that is closed."""

    def _dispose(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> bool | None:
        if closure_of(mlist.list_id) is not None:
            closing.keep_digest(mlist, msgdata)
            return False
        return super()._dispose(mlist, msg, msgdata)
