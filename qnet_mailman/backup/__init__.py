# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups: one file with all of a site, and what becomes of it on an empty one (R33).

`making.py` makes one while the service runs, `restoring.py` puts one into empty
databases and folders, `resuming.py` lets a restored site go on.  They know
`container.py` (the file, and whether it is whole), `databases.py`, `folders.py` and
`website.py` (what the web side has).
"""
