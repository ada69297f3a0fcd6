# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept and what is rewritten of a masked message (R7-R9).

Pure: a message in, a message out; no database, no Mailman configuration.
"""
