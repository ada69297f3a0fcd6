# SPDX-License-Identifier: GPL-3.0-or-later
"""The four list styles (R1).

Whoever creates a list by any route gets the same list from them.  One a file, found by
Mailman by the name of this folder; what they share is in `base.py`.
"""
