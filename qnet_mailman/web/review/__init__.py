# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages where operators decide about request forms that came in (R25, R28-R30)."""
