# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailman's runners with a guard before each: no mail without rules (R32)."""
