# SPDX-License-Identifier: GPL-3.0-or-later
"""The bounce runner: scores reports as it takes them (R16-R18), and does what is due.

Stock writes an event for each report and walks over all events after each message.
Here a report is scored at once, and many reports share a transaction, for the commit
is what costs most.  A queue file leaves the queue after the commit, so a runner that is
killed reads its files again, which changes nothing (`bounces/ledger.py`).

- Anything that goes wrong in a batch takes the whole batch back, and the files are then
  worked one by one: what is wrong with one file is between it and the guard.
- All reports of a batch are read before the first is scored, as SQLite lets nobody else
  write from then on.
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
from mailman.core.runner import Runner
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.runner import RunnerInterrupt
from mailman.utilities.datetime import now
from public import public
from zope.component import getUtility

from qnet_mailman import site
from qnet_mailman.bounces import receiving
from qnet_mailman.bounces.receiving import RECIPIENT
from qnet_mailman.bounces.whose import NOWHERE, Place
from qnet_mailman.mlist import Mlist
from qnet_mailman.model.jobs import do_due
from qnet_mailman.model.return_addresses import Verifier
from qnet_mailman.runners import periodic
from qnet_mailman.runners.guard import Guard

BATCH = 100
"""Reports that share a transaction at most."""

LARGEST = 16 * 1024 * 1024
"""Bytes of reports that are read before the first is scored, but for a single one."""

REMOVERS = 32
"""Threads that remove a batch's files from the queue."""

log = logging.getLogger('mailman.runner')


class _Batches(Runner):
    """A bounce runner without its guard."""

    def _one_iteration(self) -> int:
        """See `IRunner`."""
        files = self.switchboard.files
        for some in self._batches(files):
            if not self._work_off(some):
                # One at a time, with what the guard and Mailman do about errors.
                return super()._one_iteration()
            self._do_periodic()
            config.db.commit()
            if self._short_circuit():
                break
        return len(files)

    def _batches(self, files: list[str]) -> Iterator[list[str]]:
        """The files in batches, of which each is held in memory."""
        some: list[str] = []
        room = LARGEST
        for filebase in files:
            path = os.path.join(self.switchboard.queue_directory, f'{filebase}.pck')
            size = os.path.getsize(path) if os.path.exists(path) else 0
            if some and (len(some) == BATCH or size > room):
                yield some
                some, room = [], LARGEST
            some.append(filebase)
            room -= size
        if some:
            yield some

    def _work_off(self, files: list[str]) -> bool:
        """Work files in one transaction: all, or none and False."""
        taken: list[str] = []
        alone: list[str] = []
        reports: list[tuple[Place, Any, dict[str, Any], Any]] = []
        places: dict[str, Place] = {}
        verifier = Verifier()
        try:
            for filebase in files:
                taken.append(filebase)
                msg, msgdata = self.switchboard.dequeue(filebase)
                if len(files) > 1 and '_bak_count' in msgdata:
                    self._take_back([taken.pop()])
                    alone.append(filebase)
                    continue
                name = msgdata.get('listid') or msgdata.get('listname', '')
                place = places.get(name)
                if place is None:
                    place = places[name] = _place_of(msgdata)
                reports.append((place, msg, msgdata, receiving.read(place, msg)))
            # Now nobody else can write until the commit.
            for place, msg, msgdata, verdict in reports:
                self._receive(place, msg, msgdata, verifier, verdict)
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
        if len(taken) > 1:
            # File systems take milliseconds to remove a file that was synced, mostly
            # waiting.
            with ThreadPoolExecutor(REMOVERS) as pool:
                list(pool.map(self.switchboard.finish, taken))
        elif taken:
            self.switchboard.finish(taken[0])
        return all(self._work_off([filebase]) for filebase in alone)

    def _take_back(self, files: list[str]) -> None:
        for filebase in files:
            path = os.path.join(self.switchboard.queue_directory, filebase)
            if os.path.exists(path + '.bak'):
                os.rename(path + '.bak', path + '.pck')

    def _process_one_file(self, msg: Any, msgdata: dict[str, Any]) -> None:
        """See `IRunner`; nobody's language matters here."""
        self._receive(_place_of(msgdata), msg, msgdata)

    def _dispose(self, mlist: Mlist, msg: Any, msgdata: dict[str, Any]) -> bool:
        """See `IRunner`."""
        self._receive(Place.of(mlist), msg, msgdata)
        return False

    def _receive(
        self,
        place: Place,
        msg: Any,
        msgdata: dict[str, Any],
        verifier: Verifier | None = None,
        verdict: Any = None,
    ) -> None:
        receiving.receive(
            place,
            msg,
            now=now(),
            received_at=msgdata.get('received_time'),
            recipient=msgdata.get(RECIPIENT, ''),
            verifier=verifier,
            verdict=verdict,
        )

    def _do_periodic(self) -> None:
        """See `IRunner`."""
        do_due(periodic.bounces(), now())


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
