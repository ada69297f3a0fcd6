# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounces on lists of other styles are Mailman's business (R40).

Whoever is suspended there stays so, and Mailman goes on with the warnings.
"""

from alembic import op

revision = '0014'
down_revision = '0013'


def upgrade() -> None:
    for table in ('qnet_suspension', 'qnet_bounce', 'qnet_bounce_notice'):
        op.execute(
            f'DELETE FROM {table} WHERE list_id NOT IN (SELECT list_id FROM qnet_list)'
        )
