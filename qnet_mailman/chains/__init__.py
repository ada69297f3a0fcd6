# SPDX-License-Identifier: GPL-3.0-or-later
"""The posting chain and the ends it can come to: hold, reject (R3-R6).

Mailman's own words: a chain is a row of links, each a rule and what to do when it hits.
One component a file, which Mailman finds by the name of this folder.  What is decided
stands in `posting/`; here it is only carried out.
"""
