# SPDX-License-Identifier: GPL-3.0-or-later
"""The bounce runner: scores reports as it takes them (R16-R18), and does what is due.

Stock writes an event for each report and walks over all events after each message.
Here a report is scored at once, and many reports share a transaction, for the commit
is what costs most.  A queue file leaves the queue after the commit, so a runner that is
killed reads its files again, which changes nothing (`bounces/ledger.py`).

- What comes to lists of other styles is Mailman's business (R40), one by one, unless
  the site wants our scores there.
- Anything that goes wrong in a batch takes the whole batch back, and the files are then
  worked one by one: what is wrong with one file is between it and the guard.
- A file that was in work when a runner was killed is worked alone, lest one that kills
  the runner takes others to the `bad` queue with it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.runner import RunnerInterrupt
from mailman.runners import bounce
from mailman.utilities.datetime import now
from public import public
from zope.component import getUtility

from qnet_mailman import site
from qnet_mailman.bounces import receiving
from qnet_mailman.bounces.receiving import Arrival
from qnet_mailman.bounces.whose import NOWHERE, RECIPIENT, Place
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import statements
from qnet_mailman.model.jobs import do_due
from qnet_mailman.runners import periodic_bounces
from qnet_mailman.runners.guard import Guard

BATCH = 100
"""Reports that share a transaction at most."""

REMOVERS = 32
"""Threads that remove what was worked off from the queue."""

log = logging.getLogger('mailman.runner')


class _Batches(bounce.BounceRunner):
    """A bounce runner without its guard."""

    def _one_iteration(self) -> int:
        """See `IRunner`."""
        files = self.switchboard.files
        # File systems take milliseconds to remove a file that was synced, mostly
        # waiting; the next batch need not wait for it.
        with ThreadPoolExecutor(REMOVERS) as removers:
            for some in statements.chunks(files, BATCH):
                if not self._work_off(some, removers):
                    break
                self._do_periodic()
                config.db.commit()
                if self._short_circuit():
                    return len(files)
            else:
                return len(files)
        # One at a time, with what the guard and Mailman do about errors.
        return super()._one_iteration()

    def _work_off(self, files: list[str], removers: ThreadPoolExecutor) -> bool:
        """Work files in one transaction: all, or none and False.

        :param removers: Remove those that were worked off.
        """
        taken: list[str] = []
        alone: list[str] = []
        try:
            receiving.receive_all(self._arrivals(files, taken, alone), now=now())
            config.db.commit()
        except RunnerInterrupt:
            config.db.abort()
            self._take_back(taken)
            raise
        except Exception as error:
            config.db.abort()
            self._take_back(taken)
            log.warning(
                '%s runner: %d reports worked one by one: %s',
                self.name,
                len(taken),
                site.describe(error),
            )
            return False
        for filebase in taken:
            removers.submit(self.switchboard.finish, filebase)
        return all(self._work_off([filebase], removers) for filebase in alone)

    def _arrivals(
        self, files: list[str], taken: list[str], alone: list[str]
    ) -> Iterator[Arrival]:
        """Take files out of the queue, one when the one before it was read.

        :param taken: Gets those that were taken.
        :param alone: Gets those that are to be worked by themselves.
        """
        places: dict[str, Place] = {}
        for filebase in files:
            taken.append(filebase)
            msg, msgdata = self.switchboard.dequeue(filebase)
            name = msgdata.get('listid') or msgdata.get('listname', '')
            place = places.get(name)
            if place is None:
                place = places[name] = _place_of(msgdata)
            if len(files) > 1 and (not place.is_scored or '_bak_count' in msgdata):
                self._take_back([taken.pop()])
                alone.append(filebase)
            elif place.is_scored:
                yield _arrival(place, msg, msgdata)
            else:
                super()._process_one_file(msg, msgdata)

    def _take_back(self, files: list[str]) -> None:
        for filebase in files:
            path = os.path.join(self.switchboard.queue_directory, filebase)
            if os.path.exists(path + '.bak'):
                os.rename(path + '.bak', path + '.pck')

    def _process_one_file(self, msg: Any, msgdata: dict[str, Any]) -> None:
        """See `IRunner`; on our lists nobody's language matters here."""
        place = _place_of(msgdata)
        if place.is_scored:
            self._receive(place, msg, msgdata)
        else:
            super()._process_one_file(msg, msgdata)

    def _dispose(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> Any:
        """See `IRunner`."""
        place = Place.of(mlist)
        if not place.is_scored:
            return super()._dispose(mlist, msg, msgdata)
        self._receive(place, msg, msgdata)
        return False

    def _receive(self, place: Place, msg: Any, msgdata: dict[str, Any]) -> None:
        receiving.receive_all([_arrival(place, msg, msgdata)], now=now())

    def _do_periodic(self) -> None:
        """See `IRunner`."""
        do_due(periodic_bounces.bounces(), now())


def _arrival(place: Place, msg: Any, msgdata: dict[str, Any]) -> Arrival:
    """What a queue entry says of a message."""
    return Arrival(place, msg, msgdata.get('received_time'), msgdata.get(RECIPIENT, ''))


def _place_of(msgdata: dict[str, Any]) -> Place:
    """The list of a queue entry, or that it is about none.

    :raises LookupError: if there is no such list: the message is shunted, as by
        Mailman.
    """
    if 'listid' not in msgdata and RECIPIENT in msgdata:
        return NOWHERE
    lists = getUtility(IListManager)
    if 'listid' in msgdata:
        mlist = lists.get_by_list_id(msgdata['listid'])
    else:
        mlist = lists.get(msgdata.get('listname', ''))
    if mlist is None:
        name = msgdata.get('listid') or msgdata.get('listname')
        raise LookupError(f'a bounce report for a missing list: {name}')
    return Place.of(mlist)


@public
class BounceRunner(Guard, _Batches):
    """Takes bounce reports."""

    has_periodic_work = True
