# SPDX-License-Identifier: GPL-3.0-or-later
"""How every mail of the service looks, whichever side writes it: core or the web.

Pure: a text goes in, and comes out without line ends in its sentences
(`unwrapping.py`), as HTML (`html.py`), and as a page that stands alone (`page.py`).
Times are written as on the web's pages (`times.py`).
"""
