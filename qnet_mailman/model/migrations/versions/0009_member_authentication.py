# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists whose members must be shown to be the authors of their posts."""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'


def upgrade() -> None:
    op.add_column(
        'qnet_list',
        sa.Column(
            'member_authentication',
            sa.String(20),
            nullable=False,
            server_default='off',
        ),
    )
