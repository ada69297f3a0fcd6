# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the posting chain: one question about a message each (R3-R6)."""
