# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in through HARP, or any other OpenID provider (R24-R27)."""
