# SPDX-License-Identifier: GPL-3.0-or-later
"""Base32 as Python's, in lower case."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.mail import base32


@given(st.lists(st.binary(min_size=5, max_size=5), max_size=10).map(b''.join))
def test_as_python(data: bytes) -> None:
    assert base32.encode(data) == base64.b32encode(data).decode().lower()
