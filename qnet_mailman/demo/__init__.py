# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole service on loopback, for ./run demo and the end-to-end tests.

It starts real processes and talks to them from outside: LMTP, SMTP, HTTP, the command
line.  So it imports none of core's rooms, and nothing imports it.
"""
