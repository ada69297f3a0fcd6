# SPDX-License-Identifier: GPL-3.0-or-later
"""Message-IDs of posts, for the threading of masked ones."""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'


def upgrade() -> None:
    op.create_table(
        'qnet_post',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('list_id', sa.String(255), nullable=False),
        sa.Column('received_key', sa.String(64), nullable=False),
        sa.Column('delivered_key', sa.String(64), nullable=False),
        sa.Column('delivered_id', sa.String(998), nullable=False),
        sa.Column('author_key', sa.String(64), nullable=False),
        sa.Column('posted_at', sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_qnet_post'),
        sa.UniqueConstraint(
            'list_id', 'received_key', name='uq_qnet_post_list_id_received_key'
        ),
    )
    op.create_index(
        'ix_qnet_post_list_id_delivered_key', 'qnet_post', ['list_id', 'delivered_key']
    )
