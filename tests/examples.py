# SPDX-License-Identifier: GPL-3.0-or-later
"""How many examples a dear property gets: few in every run, many in `./run long`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings

LONG = os.environ.get('QNET_TEST_LONG') == 'yes'


def examples(few: int, many: int, **options: Any) -> Callable[[Any], Any]:
    """A property's settings; with many examples it is one of the long tests."""

    def decorate(test: Any) -> Any:
        return again_long(settings(max_examples=many if LONG else few, **options)(test))

    return decorate


def again_long(test: Any) -> Any:
    """A test of every run, which `./run long` runs again with more (`LONG`)."""
    return pytest.mark.long(test) if LONG else test
