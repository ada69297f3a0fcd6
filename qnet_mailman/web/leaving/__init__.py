# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages behind links in mails: to leave a list, and to have its mail again."""
