# SPDX-License-Identifier: GPL-3.0-or-later
"""The subcommands of `mailman qnet`, one a file; each is read when it is called.

They lie beneath `commands/`, of which every process of Mailman's reads each file.
"""
