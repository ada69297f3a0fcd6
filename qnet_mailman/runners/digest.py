# SPDX-License-Identifier: GPL-3.0-or-later
"""The digest runner: whole digests or none, and none of a list that is closed (R33)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mailman.config import config
from mailman.runners import digest
from public import public

from qnet_mailman.handlers.mask import mask_kept
from qnet_mailman.lists import closing, digests
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.closures import closure_of
from qnet_mailman.model.lists import row_of
from qnet_mailman.runners.guard import Guard, PutBack


@public
class DigestRunner(Guard, digest.DigestRunner):
    """Makes digests."""

    def _dispose(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> bool | None:
        is_closed = closure_of(mlist.list_id) is not None
        if 'digest_path' in msgdata and (is_closed or row_of(mlist) is not None):
            # Of a list that collected Mailman's way.  What it is to be made of was not
            # masked, perhaps.
            closing.keep_digest(mlist, msgdata)
            msgdata = {digests.FORCED: True}
        elif 'digest_path' in msgdata:
            # No other process reads this file: whoever locked it was killed.
            Path(f'{msgdata["digest_path"]}.lock').unlink(missing_ok=True)
            return super()._dispose(mlist, msg, msgdata)
        if is_closed:
            return False
        try:
            digests.take_over(mlist, mask_kept)
            digests.send(mlist, force=bool(msgdata.get(digests.FORCED)))
        except digests.Overtaken as error:
            config.db.abort()
            raise PutBack('another process is at this digest') from error
        return False
