# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate: which page opens for whom (R24-R27)."""
