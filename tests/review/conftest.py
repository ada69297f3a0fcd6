# SPDX-License-Identifier: GPL-3.0-or-later
"""A site that takes forms by mail, with a list for its messages to travel with."""

from __future__ import annotations

from typing import Any

import pytest

from tests.review.senders import ADDRESS


@pytest.fixture(autouse=True)
def site(configure: Any, make_list: Any) -> None:
    configure(forms_address=ADDRESS)
    make_list()
