# SPDX-License-Identifier: GPL-3.0-or-later
"""Sender masking (R7-R10)."""
