# SPDX-License-Identifier: GPL-3.0-or-later
"""Which archives everybody may read, as Mailman's own table says."""

from __future__ import annotations

from mailman.interfaces.archiver import ArchivePolicy
from mailman.model.mailinglist import MailingList
from sqlalchemy import select

from qnet_mailman.model.base import store


def public_archives() -> list[str]:
    """The posting addresses of the lists whose archive is public, sorted.

    One statement for any number of lists; lists of all styles (R40).
    """
    query = select(MailingList.list_name, MailingList.mail_host).where(
        MailingList.archive_policy == ArchivePolicy.public
    )
    return sorted(f'{name}@{host}' for name, host in store().execute(query))
