# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner of the `forms` queue: mail to the address for request forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailman.core.runner import Runner
from public import public

from qnet_mailman.review import arrival, receiving
from qnet_mailman.runners.guard import Guard

if TYPE_CHECKING:
    _Runner = Any
else:
    _Runner = Runner


class _Forms(_Runner):
    """A forms runner without its guard."""

    def _process_one_file(self, msg: Any, msgdata: dict[str, Any]) -> None:
        # A request form is about no list that there is.
        receiving.take_mail(
            msgdata[arrival.KEY], msgdata['envelope_sender'], msgdata['received_at']
        )


@public
class FormsRunner(Guard, _Forms):
    """Makes requests of the forms in mail."""
