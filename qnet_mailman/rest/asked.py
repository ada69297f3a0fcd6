# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request to core asks for, in the words of the audit log (R31): pure.

For what nothing else has words for: a held message, or a resource that is new.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from qnet_mailman.model.audit import Action
from qnet_mailman.model.changes import MAX_TEXT, Doing
from qnet_mailman.values import list_id_of

_HELD = re.compile(r'/lists/[^/]+/held/(\d+)')
_REQUEST = re.compile(r'/lists/[^/]+/requests/[^/]+')
_LIST = re.compile(r'/lists/([^/]+)(?:/.*)?')
_SECRET = re.compile('pass|secret|token|key', re.IGNORECASE)
_OF_POSTS = {
    'accept': Action.post_accepted,
    'reject': Action.post_rejected,
    'discard': Action.post_discarded,
}
_OF_JOINING = {
    'accept': Action.joining_approved,
    'reject': Action.joining_refused,
    'discard': Action.joining_refused,
}


def fields_of(content_type: str, body: bytes) -> dict[str, Any]:
    """The fields of a body; without what is a secret, and none where it has none."""
    text = body.decode('utf-8', 'replace')
    fields: Any
    if content_type.startswith('application/json'):
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError):
            return {}
    else:
        found = parse_qs(text, keep_blank_values=True)
        fields = {
            key: each[0] if len(each) == 1 else each for key, each in found.items()
        }
    if not isinstance(fields, Mapping):
        return {}
    return {
        key: '(secret)' if _SECRET.search(key) else _short(value)
        for key, value in fields.items()
    }


def _short(value: Any) -> Any:
    if isinstance(value, int | float | None):
        return value
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:MAX_TEXT]


def doing_of(method: str, path: str, fields: Mapping[str, Any]) -> Doing | None:
    """What a request asks for; None for our own resources, which tell it themselves.

    :param path: Behind the version of the interface.
    """
    if path.startswith('/plugins/qnet/'):
        return None
    about = _LIST.fullmatch(path)
    list_id = None if about is None else list_id_of(about[1].lower())
    action = str(fields.get('action', '')).lower()
    if (held := _HELD.fullmatch(path)) and action in _OF_POSTS:
        detail = {
            each: fields[each] for each in ('comment', 'forward') if each in fields
        }
        what = f'held message {held[1]}'
        return Doing(_OF_POSTS[action], list_id, what, detail, always=True)
    if _REQUEST.fullmatch(path) and action in _OF_JOINING:
        reason = {'reason': fields['reason']} if 'reason' in fields else {}
        detail = {**reason, 'how': action}
        return Doing(_OF_JOINING[action], list_id, '', detail, always=True)
    what = f'{method} {path}'
    return Doing(Action.changed_over_rest, list_id, what, {'fields': fields})
