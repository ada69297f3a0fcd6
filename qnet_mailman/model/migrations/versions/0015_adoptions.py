# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists that were Mailman's own before."""

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'


def upgrade() -> None:
    op.create_table(
        'qnet_adoption',
        sa.Column('list_id', sa.String(255), nullable=False),
        sa.Column('adopted_at', sa.DateTime, nullable=False),
        sa.Column('settings', sa.Text, nullable=False),
        sa.Column('rosters', sa.Text, nullable=False),
        sa.PrimaryKeyConstraint('list_id', name='pk_qnet_adoption'),
    )
