# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done about roles from time to time: the clock, repairs, and messages."""

from __future__ import annotations
