# SPDX-License-Identifier: GPL-3.0-or-later
"""Template tags of the archive."""
