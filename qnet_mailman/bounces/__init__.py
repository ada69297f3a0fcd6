# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounces: what a member's score is, and what follows from it (R16-R23).

`reading/` says what a report means; here it is counted.  The ledger has one row for a
member and day, receiving puts reports there, the discipline suspends, warns and
removes, refusals find out when nobody's address is at fault, and notices tell
administrators. It knows the database, settings, templates and roles, and nothing of
forms, provisioning or runners, which ask it.
"""
