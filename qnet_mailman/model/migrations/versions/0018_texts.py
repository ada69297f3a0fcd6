# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of messages that are on a web server, as core knows them."""

import sqlalchemy as sa
from alembic import op

revision = '0018'
down_revision = '0017'


def upgrade() -> None:
    op.create_table(
        'qnet_text',
        sa.Column('digest', sa.String(64), nullable=False),
        sa.Column('text', sa.Text, nullable=False),
        sa.Column('good_until', sa.DateTime, nullable=True),
        sa.PrimaryKeyConstraint('digest', name='pk_qnet_text'),
    )
