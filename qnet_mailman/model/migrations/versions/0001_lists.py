# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists, people, forms and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None


def upgrade() -> None:
    op.create_table(
        'qnet_list',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('list_id', sa.String(255), nullable=False),
        sa.Column('list_type', sa.String(20), nullable=False),
        sa.Column('visibility', sa.String(20), nullable=False),
        sa.Column('mask', sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_qnet_list'),
        sa.UniqueConstraint('list_id', name='uq_qnet_list_list_id'),
    )
    op.create_table(
        'qnet_assignment',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('list_id', sa.String(255), nullable=False),
        sa.Column('email', sa.String(320), nullable=False),
        sa.Column('name', sa.String(255), nullable=False),
        sa.Column('harp_id', sa.String(255), nullable=False),
        sa.Column('role', sa.String(20), nullable=False),
        sa.Column('may_post', sa.Boolean, nullable=False),
        sa.Column('created_at', sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_qnet_assignment'),
        sa.UniqueConstraint(
            'list_id', 'email', 'role', name='uq_qnet_assignment_list_id_email_role'
        ),
    )
    op.create_index('ix_qnet_assignment_email', 'qnet_assignment', ['email'])
    op.create_table(
        'qnet_poster',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('list_id', sa.String(255), nullable=False),
        sa.Column('email', sa.String(320), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_qnet_poster'),
        sa.UniqueConstraint('list_id', 'email', name='uq_qnet_poster_list_id_email'),
    )
    op.create_table(
        'qnet_form',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('kind', sa.String(40), nullable=False),
        sa.Column('ticket', sa.String(100), nullable=False),
        sa.Column('list_id', sa.String(255), nullable=False),
        sa.Column('digest', sa.String(64), nullable=False),
        sa.Column('content', sa.Text, nullable=False),
        sa.Column('applied_at', sa.DateTime, nullable=False),
        sa.Column('notified_at', sa.DateTime, nullable=True),
        sa.PrimaryKeyConstraint('id', name='pk_qnet_form'),
        sa.UniqueConstraint(
            'list_id', 'kind', 'ticket', name='uq_qnet_form_list_id_kind_ticket'
        ),
    )
    op.create_index('ix_qnet_form_ticket', 'qnet_form', ['ticket'])
    op.create_table(
        'qnet_audit',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('at', sa.DateTime, nullable=False),
        sa.Column('actor', sa.String(320), nullable=False),
        sa.Column('action', sa.String(40), nullable=False),
        sa.Column('list_id', sa.String(255), nullable=True),
        sa.Column('subject', sa.String(998), nullable=False),
        sa.Column('detail', sa.Text, nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_qnet_audit'),
    )
    op.create_index('ix_qnet_audit_at', 'qnet_audit', ['at'])
    op.create_index('ix_qnet_audit_list_id', 'qnet_audit', ['list_id'])
    _append_only('qnet_audit')


def _append_only(table: str) -> None:
    # R31: not even a bug of ours rewrites the log.
    if op.get_bind().dialect.name == 'sqlite':
        for verb in ('UPDATE', 'DELETE'):
            op.execute(
                f'CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} '
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        f'CREATE FUNCTION {table}_append_only() RETURNS trigger AS $$ '
        f"BEGIN RAISE EXCEPTION '{table} is append-only'; END $$ LANGUAGE plpgsql"
    )
    op.execute(
        f'CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} '
        f'FOR EACH ROW EXECUTE FUNCTION {table}_append_only()'
    )
