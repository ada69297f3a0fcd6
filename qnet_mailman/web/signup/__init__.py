# SPDX-License-Identifier: GPL-3.0-or-later
"""The sign-up page, and the pages behind the links in messages about joining."""
