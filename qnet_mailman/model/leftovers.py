# SPDX-License-Identifier: GPL-3.0-or-later
"""What Mailman keeps of a list that goes, though the next of its name would use it.

Mailman 3.3.10 removes members, requests, bans, filters and what waits for an answer.
Message texts stay under the List-ID: those in the database (`template`), and files that
operators have put into a folder of the list.  Who is owed a last digest
stays under the list's number, which SQLite gives to the next list; PostgreSQL refuses
to remove the list for it.  Reports of bounces, for whoever runs stock's bounce runner,
stay too.
"""

from __future__ import annotations

import logging
import os
import re
from itertools import compress

from mailman.config import config
from mailman.model.bounce import BounceEvent
from mailman.model.digests import OneLastDigest
from mailman.model.mailinglist import MailingList
from mailman.model.template import Template
from mailman.utilities.datetime import now
from sqlalchemy import delete, exists, select

from qnet_mailman.model import texts
from qnet_mailman.model.base import store

ASIDE = 'removed-lists'
"""The folder, beside `lists`, for texts in files of lists that are gone."""

log = logging.getLogger('mailman.plugins')


def forget(list_id: str, address: str) -> None:
    """Remove what is left of a list, or of an earlier one of the same name.

    Part of the caller's transaction.  Files are put aside, not deleted; where that
    fails, it is logged.

    :param address: The list's posting address.
    """
    numbers = select(MailingList.id).where(MailingList._list_id == list_id)
    left = {
        Template: Template.context.in_([list_id, address]),
        BounceEvent: BounceEvent.list_id == list_id,
        OneLastDigest: OneLastDigest.mailing_list_id.in_(numbers),
    }
    # Of most lists there is nothing, which one question tells.
    asked = select(*(exists().where(which) for which in left.values()))
    found = compress(left, store().execute(asked).one())
    for table in found:
        if table is Template:
            texts.forget(store().scalars(select(Template.uri).where(left[table])))
        gone = delete(table).where(left[table])
        store().execute(gone.execution_options(synchronize_session=False))
    for name in (list_id, address):
        _put_aside(name)


def _put_aside(name: str) -> None:
    folder = os.path.join(config.TEMPLATE_DIR, 'lists', name)
    if not re.fullmatch(r'[^/\0]+', name) or not os.path.isdir(folder):
        return
    aside = os.path.join(config.TEMPLATE_DIR, ASIDE)
    try:
        os.makedirs(aside, exist_ok=True)
        os.rename(folder, os.path.join(aside, f'{name}.{now():%Y%m%dT%H%M%S%f}'))
    except OSError:
        log.exception('The texts in %s, of a list that is gone, stay', folder)
