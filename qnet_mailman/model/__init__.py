# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables that QualityNet Mailer adds to Mailman's database.

They are made and changed by the alembic revisions in `migrations/` alone, and
refer to lists by List-ID and to people by address, as Mailman's own do.
"""
