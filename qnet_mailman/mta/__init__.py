# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivery: how copies reach the mail server (R15, R33)."""
