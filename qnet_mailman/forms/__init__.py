# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request form says (R29, R30).

A file in any of the formats goes in, a valid form or all of its mistakes come out, each
with its place and its remedy.  Reading is careful, for strangers send these files.
It knows no database and no list: whether a form fits what there is, is
`provisioning/`'s question.
"""
