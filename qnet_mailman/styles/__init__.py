# SPDX-License-Identifier: GPL-3.0-or-later
"""The four list styles (R1)."""
