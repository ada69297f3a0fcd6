# SPDX-License-Identifier: GPL-3.0-or-later
"""Which post bounced, and who was sent a copy before envelope senders had tokens.

A new site has sent nothing, and so has nobody in that table.
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from mailman.database.types import UUID

revision = '0011'
down_revision = '0010'

# Of `mailman.interfaces.member.MemberRole`.
MEMBER = 1


def upgrade() -> None:
    op.add_column('qnet_bounce', sa.Column('post', sa.String(8), nullable=True))
    op.create_index(
        'uq_qnet_bounce_member_id_post',
        'qnet_bounce',
        ['member_id', 'post'],
        unique=True,
    )
    connection = op.get_bind()
    op.create_table(
        'qnet_earlier_copy',
        sa.Column('member_id', UUID, nullable=False),
        sa.Column('list_id', sa.String(255), nullable=False),
        sa.Column('upgraded_at', sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint('member_id', name='pk_qnet_earlier_copy'),
    )
    op.create_index('ix_qnet_earlier_copy_list_id', 'qnet_earlier_copy', ['list_id'])
    if not sa.inspect(connection).has_table('member'):
        # Mailman's tables come first, where somebody has been sent anything.
        return
    connection.execute(
        sa.text(
            'INSERT INTO qnet_earlier_copy (member_id, list_id, upgraded_at) '
            'SELECT member._member_id, member.list_id, :now FROM member '
            'JOIN mailinglist ON mailinglist.list_id = member.list_id '
            'JOIN qnet_list ON qnet_list.list_id = member.list_id '
            'WHERE member.role = :role AND mailinglist.last_post_at IS NOT NULL'
        ).bindparams(sa.bindparam('now', type_=sa.DateTime)),
        {'now': datetime.now(UTC).replace(tzinfo=None), 'role': MEMBER},
    )
