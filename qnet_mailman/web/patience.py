# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the web side waits for core, and when it does not even ask.

Core may be away: its host refuses, at once.  Or it is silent: it takes the connection
and does not answer.  Whoever waits then waits in vain, at each of a page's questions.
So after one question without an answer this process asks nothing for some seconds, and
what would have asked fails at once; then one question finds out how things are.

Most questions are short.  What changes something, or reads all of a large collection,
may take minutes: it waits that long, and only for a core that has just shown that it
answers, if need be to a short question.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.error import HTTPError
from urllib.parse import urlsplit

import requests
from django.conf import settings

#: Seconds to wait for the connection, and for the answer: together less than the ten in
#: which each page answers.
SHORT = (2.0, 7.0)
#: The same for what may take long.
LONG = (2.0, 120.0)
#: Seconds for which a silent core is not asked.
PAUSE = 5.0
#: Seconds for which an answer shows that core is there.
LATELY = 10.0
#: A failure that took more seconds than this was no refusal.
AT_ONCE = 1.0

#: The short question.
PROBE = 'system/versions'

_failed: ContextVar[list[bool] | None] = ContextVar('failed', default=None)


class Silent(requests.Timeout):
    """Core was silent a moment ago, and has not been asked."""


class _Core:
    """What this process knows of a core."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answered = float('-inf')
        self._silent = False
        self._again = 0.0

    def let_ask(self) -> None:
        """Go on, or not.

        :raises Silent: where nobody is to ask now.
        """
        with self._lock:
            now = time.monotonic()
            if self._silent and now < self._again:
                raise Silent('core was silent a moment ago')
            # If it is silent, this one asks, and the others wait for what comes of it.
            self._again = now + sum(SHORT)

    def answers(self) -> None:
        """Note that it does."""
        with self._lock:
            self._silent, self._answered = False, time.monotonic()

    def is_silent(self) -> None:
        """Note that it is."""
        with self._lock:
            self._silent, self._again = True, time.monotonic() + PAUSE

    def answered_lately(self) -> bool:
        """Whether an answer is so new that core must be there."""
        with self._lock:
            return time.monotonic() - self._answered < LATELY


_cores: dict[str, _Core] = {}


def _core() -> _Core:
    return _cores.setdefault(settings.MAILMAN_REST_API_URL, _Core())


def forget() -> None:
    """Know nothing of any core."""
    _cores.clear()


@contextmanager
def asking() -> Iterator[None]:
    """Around each question to core.

    :raises Silent: instead, where core was silent a moment ago.
    """
    core, began = _core(), time.monotonic()
    try:
        core.let_ask()
        yield
    except requests.RequestException as error:
        note_failure()
        if not isinstance(error, Silent) and time.monotonic() - began > AT_ONCE:
            core.is_silent()
        raise
    except HTTPError:
        # How mailmanclient puts an answer that is no success.
        core.answers()
        raise
    core.answers()


def make_sure(ask: Callable[[str], object]) -> None:
    """Before a question that may take long: see that core is there.

    :param ask: What asks a short question, for a resource; it raises where there is no
        answer.
    """
    if not _core().answered_lately():
        ask(PROBE)


def takes_long(method: str, url: str) -> bool:
    """Whether a question may take minutes.

    :param method: The HTTP method.
    :param url: What is asked for, with what is behind the question mark.
    """
    asked = urlsplit(url)
    if asked.path.endswith('/find') or '/roster/' in asked.path:
        return 'count=' not in asked.query
    return method not in ('GET', 'HEAD')


@contextmanager
def noting_failures() -> Iterator[list[bool]]:
    """Around a request to the web side: has something, if core failed meanwhile."""
    noted: list[bool] = []
    token = _failed.set(noted)
    try:
        yield noted
    finally:
        _failed.reset(token)


def note_failure() -> None:
    """Note that core did not say what somebody asked."""
    noted = _failed.get()
    if noted is not None:
        noted.append(True)


def has_failed() -> bool:
    """Whether that has been noted in this request."""
    return bool(_failed.get())
