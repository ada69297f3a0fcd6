# SPDX-License-Identifier: GPL-3.0-or-later
"""What Mailman 3.3.10 lacks on Python 3.13.

Its template search enters `files('mailman').joinpath(...)` as a context, which a
path no longer is: no text is found, and every notice and every decorated post fails.
Later Mailman versions may not need this; it does nothing before Python 3.13.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from importlib.resources import as_file, files
from pathlib import Path


class _Package:
    """A package whose folders can be entered."""

    def __init__(self, name: str) -> None:
        self._root = files(name)

    def joinpath(self, *parts: str) -> AbstractContextManager[Path]:
        """A folder, as a context that gives its path."""
        return as_file(self._root.joinpath(*parts))


def apply() -> None:
    """Mend this process."""
    if sys.version_info >= (3, 13):
        from mailman.utilities import i18n

        i18n.files = _Package
