# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose address is whose: web accounts and Mailman's users."""
