# SPDX-License-Identifier: GPL-3.0-or-later
"""/decisions: what a moderator's link decides (R12), without anybody signing in.

Tokens travel in the body, never in a path: paths are in logs.
"""

from __future__ import annotations

from typing import Any

from mailman.rest.helpers import bad_request, child, etag, not_found, okay
from mailman.rest.validator import Validator, enum_validator

from qnet_mailman.mail.addresses import shortened
from qnet_mailman.subscriptions import deciding, decision_links
from qnet_mailman.subscriptions.verdicts import CHOICES, Verdict


def _reason(text: str) -> str:
    if len(text) > deciding.MAX_REASON:
        raise ValueError(f'at most {deciding.MAX_REASON} characters')
    return text


class _Describe:
    def on_post(self, request: Any, response: Any) -> None:
        """What would be decided; 404 no such token."""
        try:
            token = Validator(token=str)(request)['token']
        except ValueError as error:
            bad_request(response, str(error))
            return
        claim = decision_links.read(token)
        if claim is None:
            not_found(response, 'No such token')
            return
        pending, by = claim
        outcome, matter = deciding.look(pending, by)
        found: dict[str, Any] = {'outcome': outcome.value, 'by': shortened(by)}
        if matter is not None:
            found |= {
                'kind': matter.kind.value,
                'list_id': matter.mlist.list_id,
                'fqdn_listname': matter.mlist.fqdn_listname,
                'display_name': matter.mlist.display_name,
                'who': matter.who,
                'subject': matter.about,
                'reason': matter.reason,
                'verdicts': [verdict.value for verdict in CHOICES[matter.kind]],
            }
        okay(response, etag(found))


class Decisions:
    """What waits for moderators."""

    def on_post(self, request: Any, response: Any) -> None:
        """Decide: what became of it, and where it failed, why; 404 no such token."""
        try:
            asked = Validator(
                token=str,
                verdict=enum_validator(Verdict),
                reason=_reason,
                _optional=('reason',),
            )(request)
            claim = decision_links.read(asked['token'])
            if claim is None:
                not_found(response, 'No such token')
                return
            pending, by = claim
            outcome, why = deciding.decide(
                pending,
                asked['verdict'],
                by=by,
                route='web',
                reason=asked.get('reason', ''),
            )
        except ValueError as error:
            bad_request(response, str(error))
            return
        okay(response, etag({'outcome': outcome.value, 'why': why}))

    @child()
    def describe(self, context: Any, segments: list[str]) -> Any:
        """/decisions/describe"""
        return _Describe(), []
