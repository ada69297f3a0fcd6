# SPDX-License-Identifier: GPL-3.0-or-later
"""A package, so that its fixtures of this scope end with it, and the site stops."""
