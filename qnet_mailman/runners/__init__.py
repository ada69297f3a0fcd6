# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailman's runners with a guard before each: no mail without rules (R32).

One a file, with Mailman's names; `etc/mailman.cfg` names their classes, and
`setup/mailman_cfg.py` insists on that.  `guard.py` leaves a queue alone while this
process may not work, and `periodic.py` is the table of all that is timed.
"""
