# SPDX-License-Identifier: GPL-3.0-or-later
"""The service desk's numbers of requests, and what its ticket system is to hear."""

import sqlalchemy as sa
from alembic import op

revision = '0016'
down_revision = '0015'


def upgrade() -> None:
    op.add_column(
        'qnet_request',
        sa.Column('desk_ticket', sa.String(100), nullable=False, server_default=''),
    )
    op.create_index('ix_qnet_request_desk_ticket', 'qnet_request', ['desk_ticket'])
    op.create_table(
        'qnet_desk_event',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('event_id', sa.String(32), nullable=False),
        sa.Column('request_id', sa.Integer, nullable=False),
        sa.Column('step', sa.String(20), nullable=False),
        sa.Column('at', sa.DateTime, nullable=False),
        sa.Column('attempts', sa.Integer, nullable=False),
        sa.Column('due_at', sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_qnet_desk_event'),
    )
    op.create_index('ix_qnet_desk_event_request_id', 'qnet_desk_event', ['request_id'])
    op.create_index('ix_qnet_desk_event_due_at', 'qnet_desk_event', ['due_at'])
