# SPDX-License-Identifier: GPL-3.0-or-later
"""The posting pipeline: the order of the handlers (R10)."""
