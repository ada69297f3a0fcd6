# SPDX-License-Identifier: GPL-3.0-or-later
"""What waits for an operator because its stage cannot process it, and why.

Mailman puts such an entry into the queue `shunt`, or, where it cannot even be read,
into `bad`, and says why in a log only.  The reason stays with the entry.
"""

from __future__ import annotations

import os
import pickle
from collections import Counter
from itertools import islice
from typing import Any

from mailman.config import config
from mailman.core.switchboard import MAX_BAK_COUNT
from mailman.interfaces.listmanager import IListManager
from zope.component import getUtility

WHY = 'qnet_why'
"""In the metadata of an entry of `shunt`: why it is there, in a line."""

LOOKED_AT = 200
"""Entries that are read for their reasons."""

EXTENSIONS = {'shunt': '.pck', 'bad': '.psv'}
_LONGEST = 200


def reason_of(error: BaseException) -> str:
    """Why something failed, in a line for operators."""
    return ' '.join(f'{type(error).__name__}: {error}'.split())[:_LONGEST]


def how_many(queue: str) -> int:
    """Entries of `shunt` or `bad` that wait for an operator."""
    return len(config.switchboards[queue].get_files(EXTENSIONS[queue]))


def reasons(queue: str) -> list[tuple[str, int]]:
    """Why entries are in `shunt` or `bad`, and how many of the first ones for each.

    :return: The most frequent first.
    """
    board = config.switchboards[queue]
    extension = EXTENSIONS[queue]
    found: Counter[str] = Counter()
    for filebase in islice(board.get_files(extension), LOOKED_AT):
        path = os.path.join(board.queue_directory, filebase + extension)
        try:
            with open(path, 'rb') as file:
                pickle.load(file)
                data = pickle.load(file)
            found[_reason(queue, data)] += 1
        except FileNotFoundError:
            # An operator has just dealt with it.
            continue
        except Exception as error:
            found[f'cannot be read ({type(error).__name__})'] += 1
    return found.most_common()


def _reason(queue: str, data: dict[str, Any]) -> str:
    if queue == 'bad':
        if data.get('_bak_count', 0) >= MAX_BAK_COUNT:
            return f'its runner ended at it {MAX_BAK_COUNT} times'
        return 'could not be put into the shunt queue; see the log'
    if WHY in data:
        return f'from the queue {data.get("whichq", "?")}: {data[WHY]}'
    list_id = data.get('listid')
    if list_id and getUtility(IListManager).get_by_list_id(list_id) is None:
        return f'there is no list {list_id} (any more)'
    return 'see the log'
