# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages where operators adopt lists of Mailman's own, or hand them back (R40)."""
