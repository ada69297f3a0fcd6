# SPDX-License-Identifier: GPL-3.0-or-later
"""Message texts, by Mailman's template name and language, and sending them (R34).

The loader finds ours under those that operators set; `manager.py` knows these, and
`fetching.py` gets them from web servers.  `sending.py` fills a text in and
puts the mail into a queue; what is told to whom is known in the rooms above.
"""
