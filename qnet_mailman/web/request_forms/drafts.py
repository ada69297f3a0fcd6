# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody has typed of a form so far: kept on the server, for a day.

It is kept as Django keeps a session, in one of its own: the visitor's has only its key.
So it ends by itself, is gone with the visitor's session, and costs no other page
anything.
"""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from typing import Any

from django.conf import settings
from django.http import HttpRequest

#: Hours for which a draft is kept after its last change.
HOURS = 24
#: The largest file of subscribers, in bytes: about 200,000 of them.
MAX_FILE = 8 * 1024 * 1024
#: Characters of all answers but pasted subscribers: more than anybody types.
MAX_TYPED = 100_000

_KEY = 'qnet_request_drafts'


@dataclass(frozen=True)
class Draft:
    """Answers to the questions of a form.

    :ivar answers: As they were typed, by path (see :mod:`.questions`); people have a
        number in it.
    :ivar done: The steps that were sent without a mistake.
    :ivar file_name: What a file of subscribers was called; empty where there is none.
    :ivar file: What is in it, in Base64.
    """

    kind: str
    answers: dict[str, str] = field(default_factory=dict)
    done: tuple[str, ...] = ()
    file_name: str = ''
    file: str = ''

    @property
    def content(self) -> bytes:
        """What is in the file."""
        return base64.b64decode(self.file)

    def with_file(self, name: str, content: bytes) -> Draft:
        """The same with a file of subscribers; without one where it is empty."""
        encoded = base64.b64encode(content).decode()
        return replace(self, file_name=name if content else '', file=encoded)


def load(request: HttpRequest, kind: str) -> Draft:
    """The draft of a kind of form; an empty one where there is none (any more).

    :param request: The request.
    :param kind: The kind of form.
    """
    fields = _store(request).get(kind)
    if fields is None:
        return Draft(kind)
    return Draft(**{**fields, 'done': tuple(fields['done'])})


def save(request: HttpRequest, draft: Draft) -> None:
    """Keep a draft.

    :param request: The request.
    :param draft: What to keep in the place of the one there is.
    """
    store = _store(request)
    store[draft.kind] = asdict(draft)
    _keep(request, store)


def forget(request: HttpRequest, kind: str) -> None:
    """Throw a draft away.

    :param request: The request.
    :param kind: The kind of form.
    """
    store = _store(request)
    if store.pop(kind, None) is not None:
        _keep(request, store)


def _keep(request: HttpRequest, store: Any) -> None:
    store.set_expiry(HOURS * 3600)
    is_new = store.session_key is None
    if is_new:
        # Nobody else need think of what has ended.
        store.clear_expired()
    store.save(must_create=is_new)
    if request.session.get(_KEY) != store.session_key:
        request.session[_KEY] = store.session_key


def _store(request: HttpRequest) -> Any:
    engine = import_module(settings.SESSION_ENGINE)
    store = engine.SessionStore(request.session.get(_KEY))
    store.get('')
    return store
