# SPDX-License-Identifier: GPL-3.0-or-later
"""Who refused a message: a host's provider, not the recipient's domain (R36)."""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'


def upgrade() -> None:
    op.add_column(
        'qnet_bounce',
        sa.Column('provider', sa.String(255), nullable=False, server_default=''),
    )
    # What refusals were counted by until now.
    op.execute('UPDATE qnet_bounce SET provider = domain')
    op.create_index(
        'ix_qnet_bounce_list_id_provider_day',
        'qnet_bounce',
        ['list_id', 'provider', 'day'],
    )
    op.drop_index('ix_qnet_bounce_list_id_domain_day', 'qnet_bounce')
