# SPDX-License-Identifier: GPL-3.0-or-later
"""The `mailman qnet` command, and in `qnet/` its subcommands, one a file.

Each reads its arguments, asks a room below, prints, and ends with the status of R30: 0
done or unchanged, 1 something in the input is wrong, 2 could not run.  Nothing is
decided here, since REST and the forms must decide the same.  Nobody imports this room.
"""
