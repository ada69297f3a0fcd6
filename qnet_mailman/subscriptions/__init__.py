# SPDX-License-Identifier: GPL-3.0-or-later
"""Joining and leaving (R11-R15)."""
