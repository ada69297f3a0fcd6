# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixtures of the gate, shared with the tests of that room."""

from __future__ import annotations

from tests.web.conftest import web
from tests.web.gate.conftest import archive, forgotten, site

__all__ = ['archive', 'forgotten', 'site', 'web']
