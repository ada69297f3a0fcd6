# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit log as a chain, and no way around its being append-only."""

import sqlalchemy as sa
from alembic import op

revision = '0020'
down_revision = '0019'


def upgrade() -> None:
    op.add_column('qnet_audit', sa.Column('salt', sa.String(32), nullable=True))
    op.create_table(
        'qnet_audit_seal',
        sa.Column('number', sa.Integer, autoincrement=False, nullable=False),
        sa.Column('audit_id', sa.Integer, nullable=False),
        sa.Column('personal', sa.String(64), nullable=False),
        sa.Column('digest', sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint('number', name='pk_qnet_audit_seal'),
        sa.UniqueConstraint('audit_id', name='uq_qnet_audit_seal_audit_id'),
    )
    tables = {'qnet_audit': 'id', 'qnet_audit_seal': 'number'}
    if op.get_bind().dialect.name == 'sqlite':
        for verb in ('UPDATE', 'DELETE'):
            _refuse('qnet_audit_seal', f'no_{verb.lower()}', verb)
        # INSERT OR REPLACE deletes a row, and no trigger hears of that.
        for table, key in tables.items():
            same = f'SELECT 1 FROM {table} WHERE {key} = NEW.{key}'
            _refuse(table, 'no_replace', 'INSERT', f'WHEN EXISTS ({same})')
        same = 'SELECT 1 FROM qnet_audit_seal WHERE audit_id = NEW.audit_id'
        _refuse('qnet_audit_seal', 'no_second', 'INSERT', f'WHEN EXISTS ({same})')
        return
    op.execute(
        'CREATE TRIGGER qnet_audit_seal_append_only BEFORE UPDATE OR DELETE ON '
        'qnet_audit_seal FOR EACH ROW EXECUTE FUNCTION qnet_audit_append_only()'
    )
    for table in tables:
        op.execute(
            f'CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} '
            'FOR EACH STATEMENT EXECUTE FUNCTION qnet_audit_append_only()'
        )


def _refuse(table: str, name: str, verb: str, when: str = '') -> None:
    op.execute(
        f'CREATE TRIGGER {table}_{name} BEFORE {verb} ON {table} {when} '
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )
