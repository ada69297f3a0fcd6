# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading messages: text, addresses, parameters, who wrote it, whether a program did.

Pure functions over `email.message.Message`, for every room that reads mail, and robust
against mail of any kind (RFC 5322, RFC 2047, RFC 2231, RFC 3834).  They raise nothing
on a broken message unless their docstring says so.
"""
