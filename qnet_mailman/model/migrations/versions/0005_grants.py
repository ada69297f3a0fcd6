# SPDX-License-Identifier: GPL-3.0-or-later
"""Grants of roles, and lists that have lost their last administrator."""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'


def upgrade() -> None:
    op.create_table(
        'qnet_grant',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('provider', sa.String(40), nullable=False),
        sa.Column('user_id', sa.String(255), nullable=False),
        sa.Column('role', sa.String(20), nullable=False),
        sa.Column('name', sa.String(255), nullable=False),
        sa.Column('email', sa.String(320), nullable=False),
        sa.Column('status', sa.String(20), nullable=False),
        sa.Column('expires_at', sa.DateTime, nullable=True),
        sa.Column('reason', sa.Text, nullable=False),
        sa.Column('route', sa.String(20), nullable=False),
        sa.Column('told', sa.String(20), nullable=False),
        sa.Column('warned_at', sa.DateTime, nullable=True),
        sa.Column('created_at', sa.DateTime, nullable=False),
        sa.Column('changed_at', sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_qnet_grant'),
        sa.UniqueConstraint(
            'provider', 'user_id', 'role', name='uq_qnet_grant_provider_user_id_role'
        ),
    )
    op.create_index('ix_qnet_grant_email', 'qnet_grant', ['email'])
    op.create_table(
        'qnet_unattended',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('list_id', sa.String(255), nullable=False),
        sa.Column('since', sa.DateTime, nullable=False),
        sa.Column('told_at', sa.DateTime, nullable=True),
        sa.PrimaryKeyConstraint('id', name='pk_qnet_unattended'),
        sa.UniqueConstraint('list_id', name='uq_qnet_unattended_list_id'),
    )
    op.add_column(
        'qnet_assignment',
        sa.Column('holder', sa.String(300), nullable=False, server_default=''),
    )
    op.create_index('ix_qnet_assignment_holder', 'qnet_assignment', ['holder'])
    _name_holders()


def _name_holders() -> None:
    # As `roles.rights.holder_of` was when this revision was written.
    assignments = sa.table(
        'qnet_assignment',
        sa.column('id', sa.Integer),
        sa.column('harp_id', sa.String),
        sa.column('holder', sa.String),
    )
    connection = op.get_bind()
    for row_id, harp_id in connection.execute(
        sa.select(assignments.c.id, assignments.c.harp_id)
    ).all():
        if harp_id:
            provider, colon, user_id = harp_id.lower().partition(':')
            holder = f'{provider}:{user_id}' if colon else f'harp:{provider}'
            connection.execute(
                sa.update(assignments)
                .where(assignments.c.id == row_id)
                .values(holder=holder[:300])
            )
