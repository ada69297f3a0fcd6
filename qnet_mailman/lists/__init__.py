# SPDX-License-Identifier: GPL-3.0-or-later
"""A list as it is: its settings, its description, closing and opening again.

For everybody who shows or changes a list: commands, REST, forms, Postorius's pages.
It stands above bounces and subscriptions, whose settings it knows, and below
provisioning, which makes lists of forms (R2, R21, R31).
"""
