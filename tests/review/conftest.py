# SPDX-License-Identifier: GPL-3.0-or-later
"""A site that takes forms by mail, without a list."""

from __future__ import annotations

from typing import Any

import pytest

from tests.review.senders import ADDRESS


@pytest.fixture(autouse=True)
def forms_come_by_mail(configure: Any) -> None:
    configure(forms_address=ADDRESS)
