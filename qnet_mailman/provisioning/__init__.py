# SPDX-License-Identifier: GPL-3.0-or-later
"""Request forms and what they become: schema, readers, plan, apply (R29, R30)."""
