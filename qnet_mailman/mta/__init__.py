# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivery: how copies reach the mail server, and its map of our lists (R15, R33).

A message is rendered once and what is personal is put into each copy.  Answers of the
server (RFC 5321, RFC 2920, RFC 3463) become successes, retries or bounces.  The
outgoing runner calls it through `[mta] outgoing` of mailman.cfg.
"""
