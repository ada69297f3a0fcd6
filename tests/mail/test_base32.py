# SPDX-License-Identifier: GPL-3.0-or-later
"""Base32 as Python's, in lower case."""

from __future__ import annotations

import base64
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.mail import base32


def as_python(data: bytes) -> str:
    return base64.b32encode(data).decode().lower()


@given(st.lists(st.binary(min_size=5, max_size=5), max_size=10).map(b''.join))
def test_as_python(data: bytes) -> None:
    assert base32.encode(data) == as_python(data)


@given(st.integers(0, 10), st.integers(0, 5), st.randoms(use_true_random=False))
def test_many_are_as_each_alone(fives: int, count: int, random: Random) -> None:
    some = [random.randbytes(5 * fives) for _ in range(count)]
    assert base32.encode_all(some) == [as_python(each) for each in some]
