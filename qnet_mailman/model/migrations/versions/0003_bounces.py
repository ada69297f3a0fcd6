# SPDX-License-Identifier: GPL-3.0-or-later
"""The bounce ledger, suspensions, notices to come, and periodic jobs."""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'


def upgrade() -> None:
    op.create_table(
        'qnet_bounce',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('member_id', sa.String(36), nullable=False),
        sa.Column('list_id', sa.String(255), nullable=False),
        sa.Column('email', sa.String(320), nullable=False),
        sa.Column('domain', sa.String(255), nullable=False),
        sa.Column('day', sa.Date, nullable=False),
        sa.Column('half_points', sa.Integer, nullable=False),
        sa.Column('state', sa.String(10), nullable=False),
        sa.Column('kind', sa.String(10), nullable=False),
        sa.Column('reason', sa.String(40), nullable=False),
        sa.Column('status', sa.String(20), nullable=True),
        sa.Column('reply_code', sa.String(3), nullable=True),
        sa.Column('evidence', sa.String(500), nullable=False),
        sa.Column('received_at', sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_qnet_bounce'),
        sa.UniqueConstraint('member_id', 'day', name='uq_qnet_bounce_member_id_day'),
    )
    for columns in (['list_id', 'day'], ['list_id', 'domain', 'day'], ['day']):
        op.create_index(f'ix_qnet_bounce_{"_".join(columns)}', 'qnet_bounce', columns)
    op.create_table(
        'qnet_refusal',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('list_id', sa.String(255), nullable=False),
        sa.Column('domain', sa.String(255), nullable=False),
        sa.Column('day', sa.Date, nullable=False),
        sa.Column('withheld', sa.Boolean, nullable=False),
        sa.Column('at', sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_qnet_refusal'),
        sa.UniqueConstraint(
            'list_id', 'domain', 'day', name='uq_qnet_refusal_list_id_domain_day'
        ),
    )
    op.create_table(
        'qnet_suspension',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('member_id', sa.String(36), nullable=False),
        sa.Column('list_id', sa.String(255), nullable=False),
        sa.Column('email', sa.String(320), nullable=False),
        sa.Column('disabled_at', sa.DateTime, nullable=False),
        sa.Column('warnings', sa.Integer, nullable=False),
        sa.Column('next_step_at', sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_qnet_suspension'),
        sa.UniqueConstraint('member_id', name='uq_qnet_suspension_member_id'),
    )
    op.create_index('ix_qnet_suspension_list_id', 'qnet_suspension', ['list_id'])
    op.create_index(
        'ix_qnet_suspension_next_step_at', 'qnet_suspension', ['next_step_at']
    )
    op.create_table(
        'qnet_bounce_notice',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('list_id', sa.String(255), nullable=False),
        sa.Column('event', sa.String(20), nullable=False),
        sa.Column('email', sa.String(320), nullable=False),
        sa.Column('kind', sa.String(10), nullable=False),
        sa.Column('reason', sa.String(40), nullable=False),
        sa.Column('evidence', sa.String(500), nullable=False),
        sa.Column('half_score', sa.Integer, nullable=False),
        sa.Column('threshold', sa.Integer, nullable=False),
        sa.Column('report', sa.LargeBinary, nullable=True),
        sa.Column('at', sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_qnet_bounce_notice'),
    )
    op.create_index('ix_qnet_bounce_notice_list_id', 'qnet_bounce_notice', ['list_id'])
    op.create_table(
        'qnet_job',
        sa.Column('name', sa.String(100), nullable=False),
        sa.Column('begun_at', sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint('name', name='pk_qnet_job'),
    )
