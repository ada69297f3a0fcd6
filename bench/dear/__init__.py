# SPDX-License-Identifier: GPL-3.0-or-later
"""Inputs that cost much for their size, made when they are needed.

A module of this package has the tuple `INPUTS`; `bench.hostile` measures them all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Dear:
    """An input, and the work that it makes.

    :ivar room: Who does the work: `form`, `mail`, `post`, `bounce` or `REST`.
    :ivar name: What is dear about it, in a few words.
    :ivar make: Makes the input.
    :ivar work: Does with it what the service does.  It may raise what a guard of ours
        raises.
    :ivar make_half: Makes one of half the size, of which it may cost 2.5 times as much.
    """

    room: str
    name: str
    make: Callable[[], bytes]
    work: Callable[[bytes], object]
    make_half: Callable[[], bytes] | None = None
