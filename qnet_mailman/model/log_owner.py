# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit log in the hands of a PostgreSQL role of its own (R31).

The service's role can only add to the log then (`etc/postgresql/audit-log.sql`).  For
what changes its tables (a later version's migration, redaction, a restore) whoever
administers the database lends it that role, and the same file takes it back.
"""

from __future__ import annotations

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

GIVE_BACK = 'etc/postgresql/audit-log.sql takes the role back'
_LEND = text(
    "SELECT format('runuser -u postgres -- psql -d %I -c ''GRANT %s TO %I''', "
    'current_database(), c.relowner::regrole, current_user) FROM pg_class c '
    "WHERE c.oid = to_regclass('qnet_audit') AND NOT pg_has_role(c.relowner, 'USAGE')"
)


def how_to_lend(connection: Connection | Session) -> str | None:
    """The command that lends the log's role to the service's; None if it has it.

    :param connection: As the service's role.
    """
    bind = connection.get_bind() if isinstance(connection, Session) else connection
    if bind.dialect.name != 'postgresql':
        return None
    found: str | None = connection.scalar(_LEND)
    return found
