# SPDX-License-Identifier: GPL-3.0-or-later
"""How this app's tables came to be."""
