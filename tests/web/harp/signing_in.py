# SPDX-License-Identifier: GPL-3.0-or-later
"""A browser that has been at a provider."""

from __future__ import annotations

from typing import Any

OTHER_ISSUER = 'https://elsewhere.example.org'


def is_signed_in(browser: Any) -> bool:
    return '_auth_user_id' in browser.session
