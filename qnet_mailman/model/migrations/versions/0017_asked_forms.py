# SPDX-License-Identifier: GPL-3.0-or-later
"""Request forms from the web that wait for their requester to confirm them."""

import sqlalchemy as sa
from alembic import op

revision = '0017'
down_revision = '0016'


def upgrade() -> None:
    op.create_table(
        'qnet_asked_form',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('token_digest', sa.String(64), nullable=False),
        sa.Column('requester', sa.String(320), nullable=False),
        sa.Column('asked_at', sa.DateTime, nullable=False),
        sa.Column('expires_at', sa.DateTime, nullable=False),
        sa.Column('content', sa.LargeBinary, nullable=False),
        sa.Column('subscribers', sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_qnet_asked_form'),
        sa.UniqueConstraint('token_digest', name='uq_qnet_asked_form_token_digest'),
    )
    op.create_index('ix_qnet_asked_form_expires_at', 'qnet_asked_form', ['expires_at'])
