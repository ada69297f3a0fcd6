# SPDX-License-Identifier: GPL-3.0-or-later
"""Pipelines: the order of the handlers (R10).

Names only: Mailman looks each handler up, so this room imports nothing of ours.
"""
