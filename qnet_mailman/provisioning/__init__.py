# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a form: look at what there is, plan, apply, notify (R29, R30).

A plan is made of values and touches nothing, so that a dry run and the real one cannot
differ.  Applying is one transaction; notices follow its commit.  Reading forms is
`forms/`'s, a list's settings are `lists/`'s.
"""
