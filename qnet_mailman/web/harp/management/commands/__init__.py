# SPDX-License-Identifier: GPL-3.0-or-later
"""``django-admin`` commands: one a file, named as it is called."""
