# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the posting chain: one question about a message each (R3-R6).

One component a file, thin, found by Mailman by the name of this folder.  The answers
come from `posting/`, `mail/` and `subscriptions/`.
"""
