# SPDX-License-Identifier: GPL-3.0-or-later
"""The Django side: settings, urls and pages around Postorius and HyperKitty.

It may be on another host than core: it talks to core over REST alone, and imports
nothing of core's rooms.  One small app a concern; what a person goes through is in
`flows.py` as plain functions (django-allauth's habit).
"""
