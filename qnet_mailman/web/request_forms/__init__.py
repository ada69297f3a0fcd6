# SPDX-License-Identifier: GPL-3.0-or-later
"""The page where people get request forms (R29)."""
