# SPDX-License-Identifier: GPL-3.0-or-later
"""A package, so that its modules find each other."""
