# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive's pages, in the place of HyperKitty's, which need JavaScript.

HyperKitty keeps the posts, files them into threads, answers core and programs, and
decides nothing about who reads: see :mod:`qnet_mailman.web.gate.archives`.  Templates
of ours have its templates' names; `urls` has the views that do more than HyperKitty's.
"""
