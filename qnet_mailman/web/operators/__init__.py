# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators look at: what waits, and whether all is well (R25, R31, R32)."""
