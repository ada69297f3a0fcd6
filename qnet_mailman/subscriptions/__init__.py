# SPDX-License-Identifier: GPL-3.0-or-later
"""Joining and leaving (R11-R15).

`joining.py` and `leaving.py` are Mailman's own workflows in another order; a list's
visibility decides.  Whatever waits is one of Mailman's pendings.  Answers by mail, the
sign-up page and one-click links (RFC 8058) all come here; mail that strangers could
make us write is limited.
"""
