# SPDX-License-Identifier: GPL-3.0-or-later
"""The posting chain and the ends it can come to: hold, reject (R3-R6)."""
