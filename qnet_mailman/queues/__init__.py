# SPDX-License-Identifier: GPL-3.0-or-later
"""Queue files that are neither lost nor handed on twice (R33).

What a runner hands on waits in a folder of its own and becomes visible with the commit
of its work.  It knows Mailman's switchboards and one table, and no runner.
"""
