# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the guides: each runs as it stands there, or has a reason not to."""
