# SPDX-License-Identifier: GPL-3.0-or-later
"""Indexes for what the audit log is looked through by."""

import sqlalchemy as sa
from alembic import op

revision = '0021'
down_revision = '0020'

_BEFORE = "rtrim(actor, replace(actor, ':', ''))"


def upgrade() -> None:
    op.drop_index('ix_qnet_audit_list_id', 'qnet_audit')
    op.create_index('ix_qnet_audit_list_id_id', 'qnet_audit', ['list_id', 'id'])
    op.create_index('ix_qnet_audit_action_id', 'qnet_audit', ['action', 'id'])
    for name, expression in (
        ('who', f"lower(ltrim(replace(actor, {_BEFORE}, '')))"),
        ('whom', 'lower(substr(subject, 1, 320))'),
    ):
        op.create_index(f'ix_qnet_audit_{name}', 'qnet_audit', [sa.text(expression)])
