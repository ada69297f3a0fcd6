# SPDX-License-Identifier: GPL-3.0-or-later
"""What a key signs (R15, R35)."""

from __future__ import annotations

import hmac

from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.model import keys


@given(st.binary(max_size=64), st.binary(max_size=200))
def test_a_signature_is_an_hmac(secret: bytes, data: bytes) -> None:
    assert keys.signature(secret, data) == hmac.digest(secret, data, 'sha256')
