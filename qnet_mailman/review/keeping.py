# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done about requests from time to time: messages, and throwing files away."""

from __future__ import annotations
