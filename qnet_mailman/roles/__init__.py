# SPDX-License-Identifier: GPL-3.0-or-later
"""Assignments, grants, and the rosters they project on (R24-R28)."""
