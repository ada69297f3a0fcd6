# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages about one post: "did you really send this?"."""
