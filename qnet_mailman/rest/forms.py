# SPDX-License-Identifier: GPL-3.0-or-later
"""/forms: request forms (R29, R30)."""

from __future__ import annotations

from typing import Any

from mailman.rest.helpers import child

from qnet_mailman.rest.forms_apply import Apply


class Forms:
    """Request forms."""

    @child()
    def apply(self, context: Any, segments: list[str]) -> Any:
        """/forms/apply"""
        return Apply(), segments
