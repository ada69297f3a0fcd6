# SPDX-License-Identifier: GPL-3.0-or-later
"""The Django side: settings, urls and pages around Postorius and HyperKitty."""
