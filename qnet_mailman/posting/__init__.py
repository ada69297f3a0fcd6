# SPDX-License-Identifier: GPL-3.0-or-later
"""Who wrote a post, whether that is shown, and what becomes of it (R3-R6)."""
