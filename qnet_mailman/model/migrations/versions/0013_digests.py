# SPDX-License-Identifier: GPL-3.0-or-later
"""Posts that wait for a digest (R41)."""

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0012'


def upgrade() -> None:
    op.create_table(
        'qnet_digest_post',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('list_id', sa.String(255), nullable=False),
        sa.Column('size', sa.Integer, nullable=False),
        sa.Column('content', sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_qnet_digest_post'),
    )
    op.create_index('ix_qnet_digest_post_list_id', 'qnet_digest_post', ['list_id'])
