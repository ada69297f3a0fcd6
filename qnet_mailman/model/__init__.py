# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables that QualityNet Mailer adds to Mailman's database."""
