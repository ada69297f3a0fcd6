# SPDX-License-Identifier: GPL-3.0-or-later
"""Ratios against stock and against the bare limit, run by hand."""
