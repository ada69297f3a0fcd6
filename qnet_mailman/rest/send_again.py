# SPDX-License-Identifier: GPL-3.0-or-later
"""/send-again: having a list's mail again with the token of a warning (R22, R39).

Tokens travel in the body: a path would be in the access log.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from mailman.rest.helpers import child

from qnet_mailman.bounces import send_again
from qnet_mailman.rest.unsubscribe import answer_token, token_fields


class _Describe:
    def on_post(self, request: Any, response: Any) -> None:
        """200 what the token is for; 404 not one of ours; 410 too old, or revoked."""
        fields = token_fields(request, response)
        if fields is not None:
            found = send_again.describe(**fields)
            answer_token(response, found.outcome, asdict(found))


class SendAgain:
    """Having mail again."""

    def on_post(self, request: Any, response: Any) -> None:
        """200 turned on, or nothing to turn on; 404 and 410 as above."""
        fields = token_fields(request, response)
        if fields is not None:
            found = send_again.send_again(**fields)
            answer_token(response, found.outcome, asdict(found))

    @child()
    def describe(self, context: Any, segments: list[str]) -> Any:
        """/send-again/describe"""
        return _Describe(), []
