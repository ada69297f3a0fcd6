# SPDX-License-Identifier: GPL-3.0-or-later
"""Request forms as they were read when they came, and what showed their senders."""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'


def upgrade() -> None:
    op.add_column('qnet_request', sa.Column('text', sa.Text, nullable=True))
    op.add_column(
        'qnet_submission',
        sa.Column('shown_by', sa.String(255), nullable=False, server_default=''),
    )
