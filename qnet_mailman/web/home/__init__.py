# SPDX-License-Identifier: GPL-3.0-or-later
"""The start page, and the site's name."""
