# SPDX-License-Identifier: GPL-3.0-or-later
"""Queue entries that were worked off, and lists without personal copies."""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'


def upgrade() -> None:
    op.create_table(
        'qnet_handover',
        sa.Column('entry', sa.String(255), nullable=False),
        sa.Column('done_at', sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint('entry', name='pk_qnet_handover'),
    )
    op.add_column(
        'qnet_list',
        sa.Column('personal', sa.Boolean, nullable=False, server_default=sa.true()),
    )
