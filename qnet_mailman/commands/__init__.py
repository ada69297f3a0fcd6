# SPDX-License-Identifier: GPL-3.0-or-later
"""The `mailman qnet` command and its subcommands, one a module."""
