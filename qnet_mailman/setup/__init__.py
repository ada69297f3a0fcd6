# SPDX-License-Identifier: GPL-3.0-or-later
"""What only the start of a process needs (R32).

Whether the database answers, what mailman.cfg must say, our tables, our utilities among
Mailman's.  It tells `site.py` what it found, and everybody else asks there.  Only the
plugin, the runners and `mailman qnet check` know this room.
"""
