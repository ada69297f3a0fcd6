# SPDX-License-Identifier: GPL-3.0-or-later
"""Help: what the service is and how to use it, in short pages, and the guides for
members and for list administrators, made from the Markdown that ``docs/`` has."""
