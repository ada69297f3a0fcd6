# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailman's queue runners, each behind a guard (R32).

Stock shunts a message at any exception: one whose database was away for a second
waits for an operator to unshunt it.  And where the plugin could not be set up,
stock would process mail without our rules.  The guard

- looks, before each round in which there is something to do, whether the plugin is set
  up, the clock can be right (what we sign says its day) and the database answers, and
  leaves the queue alone while not, trying again after a few seconds;
- hands a message on with the commit of its work, so that one whose runner is killed
  is neither lost nor handed on twice (:mod:`.handover`);
- lets the message at work be finished before the runner stops;
- puts a message back that failed because of the database, or for want of space on
  the disk.  One that fails again and again while the database answers is shunted
  like any other;
- lets a message wait that needs an answer of the DNS, and goes on with those behind it;
- says of a message that is shunted why, to the operators and in its metadata
  (:mod:`.shunted`);
- leaves what belongs to lists of ours where it is, while what belongs to others goes
  on, where the plugin is switched off;
- stands still while a backup needs it (:mod:`.standstill`), and after one was restored
  until an operator says so (:mod:`.restored`).

The LMTP (:mod:`.lmtp`) and REST runners need none: they answer with an error that the
sender's side retries, and what LMTP takes is safe in the next queue.
"""

from __future__ import annotations

import errno
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mailman.config import config
from mailman.core.i18n import _
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.runner import RunnerInterrupt
from mailman.utilities.datetime import now
from sqlalchemy import select, text
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    OperationalError,
    PendingRollbackError,
)
from zope.component import getUtility

from qnet_mailman import site
from qnet_mailman.logs.context import set_at_work
from qnet_mailman.model import keys, limits
from qnet_mailman.model.base import by_itself
from qnet_mailman.model.lists import QNetList, of_ours
from qnet_mailman.posting.dmarc import NotKnownYet
from qnet_mailman.queues import handover, heartbeat, restored, shunted, standstill
from qnet_mailman.setup import database, startup
from qnet_mailman.templates.sending import one_line, operators, send

if TYPE_CHECKING:
    from mailman.core.runner import Runner as _Base
else:
    _Base = object

OFF = (
    'the plugin is switched off: [plugin.qnet] of mailman.cfg is not enabled; what '
    'belongs to other lists is processed as without it'
)
MAX_PUT_BACK = 20
"""How often a message is put back while the database answers otherwise."""
RETRY = 5.0
"""Seconds between attempts to set the plugin up."""
REMIND = 300.0
"""Seconds after which the log says again why nothing is processed."""

log = logging.getLogger('mailman.runner')


class PutBack(BaseException):
    """The message at hand goes back to its queue.

    Not an `Exception`: Mailman's loop would take that as a reason to shunt.
    """


def tell_operators(stage: str, msg: Any, msgdata: dict[str, Any]) -> None:
    """Write to the operators about a message that waits for them."""
    send(
        None,
        operators(),
        'qnet:operator:notice:shunted',
        f'A message could not be processed ({stage})',
        {
            'stage': stage,
            'listname': one_line(str(msgdata.get('listid', '(none)'))),
            'message_id': one_line(str(msg.get('message-id', '(none)'))),
            'reason': one_line(msgdata[shunted.WHY]),
        },
    )


def _is_about_the_database(error: BaseException) -> bool:
    return isinstance(
        error, (OperationalError, InterfaceError, PendingRollbackError)
    ) or (isinstance(error, DBAPIError) and error.connection_invalidated)


def _is_about_space(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    # SQLite's words, and PostgreSQL's.
    return isinstance(error, OperationalError) and (
        'disk is full' in str(error) or 'No space left' in str(error)
    )


def is_about_ours(msgdata: dict[str, Any]) -> bool:
    """Whether an entry of a queue belongs to a list of ours, or to no list.

    What belongs to none are reports to addresses that we handed out, requests of the
    sign-up page, forms, and what the site itself writes.
    """
    list_id = msgdata.get('listid')
    if list_id is None and 'listname' in msgdata:
        mlist = getUtility(IListManager).get(msgdata['listname'])
        list_id = '' if mlist is None else mlist.list_id
    if list_id is None:
        return True
    query = select(QNetList.id).where(QNetList.list_id == list_id)
    return config.db.store.scalar(query) is not None


class Guard(_Base):
    """What is put before a runner of Mailman's."""

    inbox: type[handover.Inbox] = handover.Inbox
    """What its queue is."""
    is_queue_runner: bool
    """Mailman's: whether it has one."""

    has_periodic_work = False
    """Whether it does something without an entry in its queue, too."""

    _next_look = 0.0
    _said: tuple[str, float] | None = None
    _put_back: int = 0
    _is_at_work = False
    _answered = False

    speaks = True
    """Whether the language of a message's author matters to what it does."""

    def __init__(self, name: str, slice: int | None = None) -> None:
        handover.use_handover()
        # Mailman would make a queue, and recover what other slices are working on.
        has_queue, self.is_queue_runner = self.is_queue_runner, False
        super().__init__(name, slice)
        if has_queue:
            self.is_queue_runner = True
            self.queue_directory = config.switchboards[name].queue_directory
            instances = int(getattr(config, f'runner.{name}').instances)
            with standstill.working(wait=RETRY):
                self.switchboard = self.inbox(
                    name, self.queue_directory, slice, instances, True
                )
        database.keep_connection()
        self._heart = f'{name}:{slice or 0}'

    def signal_handler(self, signum: int, frame: Any) -> None:
        """See `IRunner`; the message at work is finished before the runner stops."""
        try:
            super().signal_handler(signum, frame)
        except RunnerInterrupt:
            if not self._is_at_work:
                raise

    def _obstacle(self) -> str | None:
        """Why nothing can be processed now; None if it can."""
        if site.reason_not_ready() is not None:
            if time.monotonic() < self._next_look:
                return site.reason_not_ready()
            try:
                startup.setup()
            except site.NotReady as error:
                self._next_look = time.monotonic() + RETRY
                return str(error)
        if (wrong := keys.reason_no_day(now().date())) is not None:
            return wrong
        if (why := restored.reason_to_wait()) is not None:
            return why
        if self._answered:
            # Where it does not now, what is at work is put back.
            return None
        try:
            config.db.store.execute(text('SELECT 1'))
            # Not to keep a transaction open while the runner sleeps.
            config.db.commit()
        except DBAPIError as error:
            config.db.abort()
            return f'the database does not answer: {site.describe(error)}'
        return None

    def _why_ours_stay(self) -> str | None:
        """Why nothing of lists of ours can be processed, while others' is; or None."""
        return OFF if site.is_off() else None

    def _left_alone(self) -> str | None:
        """What of the queue stays in it, and why, while the rest is processed."""
        if self.switchboard is None:
            return None
        why = self._why_ours_stay()
        self.switchboard.stays = None if why is None else is_about_ours
        if why is None:
            return None
        self.switchboard.get_files()
        # Not to keep a transaction open, as above.
        config.db.commit()
        some = any(self.switchboard.staying.values())
        return f'that of our lists: {why}' if some else None

    def _say(self, obstacle: str | None) -> None:
        if obstacle is None:
            if self._said is not None:
                log.warning('%s runner: processing again', self.name)
                self._said = None
            return
        due = self._said is None or (
            self._said[0] != obstacle or time.monotonic() - self._said[1] > REMIND
        )
        if due:
            log.error('%s runner: mail stays in its queue: %s', self.name, obstacle)
            self._said = (obstacle, time.monotonic())

    def _has_nothing_to_do(self) -> bool:
        """Whether the folder of the queue alone says that a round would do nothing.

        A runner asks once a second: neither a database nor a lock is asked then.
        """
        return (
            self.switchboard is not None
            and self._said is None
            and site.reason_not_ready() is None
            and self.switchboard.is_empty()
        )

    def _one_iteration(self) -> int:
        """See `IRunner`."""
        heartbeat.beat(self._heart)
        if self._has_nothing_to_do():
            return 0
        obstacle = self._obstacle()
        if obstacle is not None:
            self._say(obstacle)
            return 0
        self._say(self._left_alone())
        with standstill.working() as may_work:
            if not may_work:
                return 0
            try:
                done: int = super()._one_iteration()
                self._answered = done > 0
                return done
            except PutBack as error:
                self._answered = False
                log.error('%s runner: message put back: %s', self.name, error)
                assert isinstance(self.switchboard, handover.Inbox)
                self.switchboard.put_back()
                return 0
            finally:
                # What Mailman says of a message that failed, it says after the work.
                set_at_work()

    def _short_circuit(self) -> bool:
        """See `IRunner`: whether the rest of the queue waits for the next round."""
        return super()._short_circuit() or standstill.is_wanted()

    def _process_one_file(self, msg: Any, msgdata: dict[str, Any]) -> None:
        """See `IRunner`."""
        self._is_at_work = True
        heartbeat.beat(self._heart)
        self._say_at_work(msg, msgdata)
        try:
            self._work(msg, msgdata)
        except site.NotReady as error:
            config.db.abort()
            raise PutBack(str(error)) from error
        except NotKnownYet:
            config.db.abort()
            assert isinstance(self.switchboard, handover.Inbox)
            self.switchboard.put_off()
        except Exception as error:
            if _is_about_space(error):
                config.db.abort()
                raise PutBack(str(error)) from error
            config.db.abort()
            if not _is_about_the_database(error):
                self._give_up(msg, msgdata, error)
                raise
            self._answered = False
            if self._obstacle() is None:
                self._put_back += 1
                if self._put_back > MAX_PUT_BACK:
                    self._put_back = 0
                    self._give_up(msg, msgdata, error)
                    raise
            raise PutBack(site.describe(error)) from error
        finally:
            self._is_at_work = False
        self._put_back = 0

    def _say_at_work(self, msg: Any, msgdata: dict[str, Any]) -> None:
        assert isinstance(self.switchboard, handover.Inbox)
        set_at_work(
            list=str(msgdata.get('listid') or msgdata.get('listname') or ''),
            message_id=one_line(str(msg.get('message-id', ''))),
            entry=f'{self.name}/{self.switchboard.taken}',
        )

    def _work(self, msg: Any, msgdata: dict[str, Any]) -> None:
        """Work off the entry at hand unless that was done; hand on what comes of it."""
        assert isinstance(self.switchboard, handover.Inbox)
        entry = self.switchboard.handover()
        if not entry.is_done():
            entry.discard()
            with handover.collecting(entry):
                if self.speaks or not self._disposed(msg, msgdata):
                    super()._process_one_file(msg, msgdata)
                entry.do_late_work()
                if entry.has_put_into('shunt'):
                    # Mailman does so by itself where the list is gone.
                    self._note_list_gone(msg, msgdata)
                entry.write_row()
            # Where this fails, it may have been done all the same: what waits stays
            # until the database says which.
            config.db.commit()
        entry.move()
        self.switchboard.last = entry.entry

    def _disposed(self, msg: Any, msgdata: dict[str, Any]) -> bool:
        """Work off an entry that belongs to a list of ours, whoever wrote it.

        Mailman's own way asks who that is, for their language, which takes longer than
        all the rest of a hop.
        """
        list_id = msgdata.get('listid')
        mlist = None if list_id is None else of_ours(list_id)
        if mlist is None:
            return False
        with _.using(mlist.preferred_language.code):
            if self._dispose(mlist, msg, msgdata):
                assert self.switchboard is not None
                self.switchboard.enqueue(msg, msgdata)
        return True

    def _clean_up(self) -> None:
        """See `IRunner`."""
        super()._clean_up()
        if self.switchboard is not None and self.switchboard.last:
            with suppress(DBAPIError):
                handover.remove_row(self.switchboard.last)
                config.db.commit()

    def _give_up(self, msg: Any, msgdata: dict[str, Any], error: Exception) -> None:
        """Tell operators that Mailman is about to shunt a message; never raises."""
        msgdata[shunted.WHY] = shunted.reason_of(error)
        try:
            with by_itself(log, 'Operators could not be told of a shunted message'):
                # Whoever can write messages that fail chooses what the error says.
                kind = f'{self.name} {type(error).__name__}'
                if limits.allowed('shunted', kind, 1, limits.DAY):
                    tell_operators(self.name, msg, msgdata)
        except DBAPIError:
            log.exception('Operators could not be told of a shunted message')

    def _note_list_gone(self, msg: Any, msgdata: dict[str, Any]) -> None:
        if limits.allowed('shunted', f'{self.name} no list', 1, limits.DAY):
            why = 'its list does not exist (any more)'
            tell_operators(self.name, msg, {**msgdata, shunted.WHY: why})

    def _do_periodic(self) -> None:
        """See `IRunner`."""
        if not self.has_periodic_work:
            return
        if site.reason_not_ready() is not None or restored.reason_to_wait() is not None:
            return
        try:
            with standstill.working() as may_work:
                if may_work:
                    super()._do_periodic()
        except Exception as error:
            if not _is_about_the_database(error):
                raise
            config.db.abort()
            log.error(
                '%s runner: periodic work put off: %s',
                self.name,
                site.describe(error),
            )
