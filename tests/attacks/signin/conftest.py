# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixtures of signing in, shared with the tests of that room."""

from __future__ import annotations

from tests.web.conftest import web
from tests.web.harp.conftest import clean, hostile, roles_core

__all__ = ['clean', 'hostile', 'roles_core', 'web']
