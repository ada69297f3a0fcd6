# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists that are closed."""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'


def upgrade() -> None:
    op.create_table(
        'qnet_closure',
        sa.Column('list_id', sa.String(255), nullable=False),
        sa.Column('action', sa.String(20), nullable=False),
        sa.Column('ticket', sa.String(100), nullable=False),
        sa.Column('closed_at', sa.DateTime, nullable=False),
        sa.Column('undo_until', sa.DateTime, nullable=False),
        sa.Column('announced_at', sa.DateTime, nullable=True),
        sa.Column('advertised', sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint('list_id', name='pk_qnet_closure'),
    )
    op.create_index('ix_qnet_closure_undo_until', 'qnet_closure', ['undo_until'])
