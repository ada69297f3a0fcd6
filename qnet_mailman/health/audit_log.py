# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the service's own role could rewrite the audit log (R31)."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import text

from qnet_mailman.health.finding import Finding, from_database
from qnet_mailman.model.base import store

_CAN_REWRITE = text(
    "SELECT bool_or(has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE') "
    "OR pg_has_role(c.relowner, 'MEMBER') OR pg_has_role(n.nspowner, 'MEMBER') "
    "OR pg_has_role(d.datdba, 'MEMBER')) "
    'FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace '
    'JOIN pg_database d ON d.datname = current_database() '
    "WHERE c.oid IN ('qnet_audit'::regclass, 'qnet_audit_seal'::regclass)"
)


@from_database
def append_only() -> Iterator[Finding]:
    """On PostgreSQL; on SQLite the file is the service's, whatever it holds."""
    if store().get_bind().dialect.name == 'sqlite':
        return
    if store().scalar(_CAN_REWRITE):
        yield Finding(
            'warning',
            'audit log',
            "append-only is not enforced: the service's own role could take the "
            'triggers away that refuse a change',
            'Run etc/postgresql/audit-log.sql, which gives the log to a role of its '
            'own.',
        )
    else:
        yield Finding(
            'ok', 'audit log', "the service's role can add to it, and no more"
        )
