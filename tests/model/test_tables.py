# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tables are of a list, and go with it."""

from __future__ import annotations

from qnet_mailman.model.base import Base, tables_of_a_list

KEPT = {
    # What was done to a list is known when it is gone (R31).
    'qnet_audit',
}


def test_what_names_a_list_goes_with_it_or_is_kept_on_purpose() -> None:
    going = {table.__tablename__ for table in tables_of_a_list()}
    naming = {
        name for name, table in Base.metadata.tables.items() if 'list_id' in table.c
    }
    assert going | KEPT == naming
    assert not going & KEPT
