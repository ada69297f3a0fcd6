# SPDX-License-Identifier: GPL-3.0-or-later
"""/posts/confirm: the release of a post by the person in whose name it came (R6)."""

from __future__ import annotations

from typing import Any

from mailman.rest.helpers import bad_request, child, conflict, no_content, not_found
from mailman.rest.validator import Validator

from qnet_mailman.posting.confirmation import Outcome, confirm


class _Confirm:
    def on_post(self, request: Any, response: Any) -> None:
        """204 released; 404 no such token, or expired; 409 decided already."""
        try:
            token = Validator(token=str)(request)['token']
        except ValueError as error:
            bad_request(response, str(error))
            return
        match confirm(token, route='web'):
            case Outcome.released:
                no_content(response)
            case Outcome.decided:
                conflict(response, 'A moderator has decided already')
            case Outcome.unknown:
                not_found(response, 'No such token')


class Posts:
    """Posts that wait."""

    @child()
    def confirm(self, context: Any, segments: list[str]) -> Any:
        """/posts/confirm"""
        return _Confirm(), []
