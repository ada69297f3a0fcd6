# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive runner, behind the guard."""

from __future__ import annotations

from mailman.runners import archive
from public import public

from qnet_mailman.runners.guard import Guard


@public
class ArchiveRunner(Guard, archive.ArchiveRunner):
    """Hands posts to the archivers."""
