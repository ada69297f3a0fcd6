# SPDX-License-Identifier: GPL-3.0-or-later
"""What is counted for `/metrics`, and how long posts take to their readers."""

import sqlalchemy as sa
from alembic import op

revision = '0019'
down_revision = '0018'


def upgrade() -> None:
    op.create_table(
        'qnet_counter',
        sa.Column('name', sa.String(40), nullable=False),
        sa.Column('label', sa.String(255), nullable=False),
        sa.Column('detail', sa.String(40), nullable=False),
        sa.Column('value', sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint('name', 'label', 'detail', name='pk_qnet_counter'),
    )
    op.create_table(
        'qnet_fan_out',
        sa.Column('post', sa.String(64), nullable=False),
        sa.Column('list_id', sa.String(255), nullable=False),
        sa.Column('first_seconds', sa.Float, nullable=False),
        sa.Column('last_seconds', sa.Float, nullable=False),
        sa.Column('copies', sa.Integer, nullable=False),
        sa.Column('last_at', sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint('post', name='pk_qnet_fan_out'),
    )
    op.create_index('ix_qnet_fan_out_last_at', 'qnet_fan_out', ['last_at'])
    op.create_index('ix_qnet_fan_out_list_id', 'qnet_fan_out', ['list_id'])
