# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bounce report says: its kind, its reason, the address (R16).

A message goes in and verdicts come out; no database, no settings.  Delivery status
notifications (RFC 3464, RFC 3463) are read first, then older formats, then prose in the
words of many mail systems (`texts.py`).  Whatever is automatic without being a bounce
(RFC 3834, RFC 5965) is told apart before.
"""
