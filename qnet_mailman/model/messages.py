# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailman's store of held messages, which forgets none whose file is missing.

Stock deletes the row of a message when its file cannot be found, whoever looks: after a
restore of the database alone, looking at the page of held messages was enough, and the
file that was put back an hour later belonged to nothing (R33).
"""

from __future__ import annotations

import os
import pickle
from contextlib import suppress
from typing import Any

from mailman.config import config
from mailman.interfaces.messages import IMessageStore
from mailman.model.message import Message as Row
from mailman.model.messagestore import MessageStore as Stock
from sqlalchemy import delete, select
from zope.interface import implementer

from qnet_mailman.model.base import store


@implementer(IMessageStore)
class MessageStore(Stock):
    """Mailman's, which keeps what it cannot find."""

    def add(self, message: Any) -> Any:
        """See `IMessageStore`; takes the place of a message that is lost."""
        ids = [str(each) for each in message.get_all('message-id', [])]
        if len(ids) == 1 and self.get_message_by_id(ids[0]) is None:
            store().execute(delete(Row).where(Row.message_id == ids[0]))
        return super().add(message)

    def get_message_by_id(self, message_id: str) -> Any:
        """See `IMessageStore`."""
        return _read(store().scalar(select(Row).where(Row.message_id == message_id)))

    def get_message_by_hash(self, message_id_hash: str) -> Any:
        """See `IMessageStore`."""
        query = select(Row).where(Row.message_id_hash == message_id_hash)
        return _read(store().scalar(query))

    @property
    def messages(self) -> Any:
        """See `IMessageStore`; those that can be read."""
        for row in store().scalars(select(Row)).all():
            message = _read(row)
            if message is not None:
                yield message


def _read(row: Row | None) -> Any:
    if row is None:
        return None
    path = os.path.join(config.MESSAGES_DIR, row.path)
    with suppress(FileNotFoundError), open(path, 'rb') as file:
        return pickle.load(file)
    return None
