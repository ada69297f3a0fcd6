# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits, and the keys of the links by which subscribers leave."""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'


def upgrade() -> None:
    op.create_table(
        'qnet_limit',
        sa.Column('key', sa.String(64), nullable=False),
        sa.Column('times', sa.Integer, nullable=False),
        sa.Column('ends_at', sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint('key', name='pk_qnet_limit'),
    )
    op.create_index('ix_qnet_limit_ends_at', 'qnet_limit', ['ends_at'])
    op.create_table(
        'qnet_key',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('secret', sa.LargeBinary, nullable=True),
        sa.Column('made_at', sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_qnet_key'),
    )
