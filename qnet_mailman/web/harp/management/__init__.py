# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Django looks for the commands of this app."""
