# SPDX-License-Identifier: GPL-3.0-or-later
"""Message texts, by Mailman template name and language (R34)."""
