# SPDX-License-Identifier: GPL-3.0-or-later
"""Alembic's entry: run the revisions on the connection that was handed over."""

from alembic import context

from qnet_mailman.model.base import Base
from qnet_mailman.model.migrations import VERSION_TABLE

context.configure(
    connection=context.config.attributes['connection'],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
context.run_migrations()
