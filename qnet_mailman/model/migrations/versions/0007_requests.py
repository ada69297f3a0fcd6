# SPDX-License-Identifier: GPL-3.0-or-later
"""Request forms that wait for an operator."""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'


def upgrade() -> None:
    op.create_table(
        'qnet_submission',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('received_at', sa.DateTime, nullable=False),
        sa.Column('route', sa.String(20), nullable=False),
        sa.Column('sender', sa.String(320), nullable=False),
        sa.Column('message_id', sa.String(255), nullable=False),
        sa.Column('digest', sa.String(64), nullable=False),
        sa.Column('turn', sa.Integer, nullable=False),
        sa.Column('name', sa.String(255), nullable=False),
        sa.Column('content', sa.LargeBinary, nullable=True),
        sa.Column('beside', sa.Text, nullable=False),
        sa.Column('acknowledged_at', sa.DateTime, nullable=True),
        sa.PrimaryKeyConstraint('id', name='pk_qnet_submission'),
        sa.UniqueConstraint('digest', 'turn', name='uq_qnet_submission_digest_turn'),
    )
    op.create_table(
        'qnet_request',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('submission_id', sa.Integer, nullable=False),
        sa.Column('position', sa.Integer, nullable=False),
        sa.Column('place', sa.String(255), nullable=False),
        sa.Column('kind', sa.String(40), nullable=False),
        sa.Column('list_address', sa.String(320), nullable=False),
        sa.Column('ticket', sa.String(100), nullable=False),
        sa.Column('requester', sa.String(320), nullable=False),
        sa.Column('mistakes', sa.Integer, nullable=False),
        sa.Column('tell', sa.String(320), nullable=False),
        sa.Column('status', sa.String(20), nullable=False),
        sa.Column('decided_at', sa.DateTime, nullable=True),
        sa.Column('decided_by', sa.String(320), nullable=False),
        sa.Column('reason', sa.Text, nullable=False),
        sa.Column('findings', sa.Text, nullable=False),
        sa.Column('notified_at', sa.DateTime, nullable=True),
        sa.PrimaryKeyConstraint('id', name='pk_qnet_request'),
        sa.UniqueConstraint(
            'submission_id', 'position', name='uq_qnet_request_submission_id_position'
        ),
    )
    op.create_index('ix_qnet_request_status', 'qnet_request', ['status'])
