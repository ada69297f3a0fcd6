# SPDX-License-Identifier: GPL-3.0-or-later
"""Request forms that wait for an operator (R28-R31)."""
