# SPDX-License-Identifier: GPL-3.0-or-later
"""Core and the web side in one process; Django is set up when this is read."""

from __future__ import annotations

from tests.web.conftest import web

__all__ = ['web']
