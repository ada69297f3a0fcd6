# SPDX-License-Identifier: GPL-3.0-or-later
"""The site's settings, and whether this process may work at all (R32).

`setup/startup.py` tells what it found; everybody else asks here.  So nothing has to
know how a process is set up in order to read a setting.
"""

from __future__ import annotations

from qnet_mailman.settings import Settings


class NotReady(Exception):
    """Nothing may be processed now; the text says why."""


class _State:
    settings: Settings | None = None
    reason: str = 'the plugin has not been set up'
    is_off: bool = False


_state = _State()


def settings() -> Settings:
    """The site's settings.

    :raises NotReady: while this process may not work.
    """
    if _state.settings is None:
        raise NotReady(_state.reason)
    return _state.settings


def reason_not_ready() -> str | None:
    """Why this process may not work; None if it may."""
    return None if _state.settings is not None else _state.reason


def is_off() -> bool:
    """Whether operators have switched the plugin off: our lists wait, others go on.

    What would act on our lists, or write about them, must not be done.
    """
    return _state.is_off


def become_ready(found: Settings, *, off: bool = False) -> None:
    """Note that this process may work, with these settings.

    :param off: Whether that is for lists of other styles only.
    """
    _state.settings = found
    _state.is_off = off


def stop(reason: str) -> None:
    """Note why this process may not work from here on.

    :param reason: In words for the log and `mailman qnet check`.
    """
    _state.settings = None
    _state.reason = reason


def describe(error: BaseException) -> str:
    """An exception in a line, without SQL, its parameters or a password."""
    original = getattr(error, 'orig', None) or error
    return ' '.join(str(original).split())[:500] or type(original).__name__
