# SPDX-License-Identifier: GPL-3.0-or-later
"""What Postorius shows of a list, and lets its administrators change."""
