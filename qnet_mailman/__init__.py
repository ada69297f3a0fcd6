# SPDX-License-Identifier: GPL-3.0-or-later
"""QualityNet Mailer: notification and discussion lists on GNU Mailman 3."""

__version__ = '0.2.0'
