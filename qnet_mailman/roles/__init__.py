# SPDX-License-Identifier: GPL-3.0-or-later
"""Assignments, grants, and the rosters they project on (R24-R28).

`rights.py` decides, without a database, what assignments and grants give together;
`projection.py` writes Mailman's rosters and posting privileges in the same transaction.
Grants come from sign-ins, imports, operators and the clock; assignments from forms and
from whoever appoints by hand.
"""
