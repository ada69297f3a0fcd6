# SPDX-License-Identifier: GPL-3.0-or-later
"""Who wrote a post, whether that is shown, and what becomes of it (R3-R6).

`decision.py` decides, without a database; `standing.py` finds out what the author is to
the list; `authentication.py` reads what our own mail server has found (RFC 8601);
`confirmation.py` lets the person decide in whose name a post came.
"""
