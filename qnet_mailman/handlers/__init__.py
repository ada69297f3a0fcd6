# SPDX-License-Identifier: GPL-3.0-or-later
"""Handlers of the posting pipeline: what happens to an accepted post."""
