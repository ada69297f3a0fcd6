# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables that QualityNet Mailer adds to Mailman's database, and SQL for all rooms.

They are made and changed by the alembic revisions in `migrations/` alone, and refer to
lists by List-ID and to people by address, as Mailman's own do.  A table whose rows go
with their list says so (`base.OfAList`).  Statements, claims of periodic work, limits
and tokens are here because several rooms need them; what they mean is known above.
"""
