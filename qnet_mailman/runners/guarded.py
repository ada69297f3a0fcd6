# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailman's queue runners, each behind a guard (R32).

Stock shunts a message at any exception: one whose database was away for a second
waits for an operator to unshunt it.  And where the plugin could not be set up,
stock would process mail without our rules.  The guard

- looks, before each round, whether the plugin is set up and the database answers,
  and leaves the queue alone while not, trying again after a few seconds;
- hands a message on with the commit of its work, so that one whose runner is killed
  is neither lost nor handed on twice (:mod:`.handover`);
- lets the message at work be finished before the runner stops;
- puts a message back that failed because of the database, or for want of space on
  the disk.  One that fails again and again while the database answers is shunted
  like any other.

The LMTP (:mod:`.lmtp`) and REST runners need none: they answer with an error that the
sender's side retries, and what LMTP takes is safe in the next queue.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailman.config import config
from mailman.interfaces.runner import RunnerInterrupt
from mailman.model.message import Message
from mailman.runners import (
    archive,
    command,
    digest,
    incoming,
    pipeline,
    retry,
    task,
    virgin,
)
from mailman.utilities.datetime import now
from public import public
from sqlalchemy import select, text
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    OperationalError,
    PendingRollbackError,
)

from qnet_mailman import startup
from qnet_mailman.model import queues
from qnet_mailman.model.closures import closure_of
from qnet_mailman.model.lists import row_of
from qnet_mailman.posting import lost
from qnet_mailman.provisioning import closing
from qnet_mailman.provisioning.apply import write_abandoned_map
from qnet_mailman.review import keeping as review
from qnet_mailman.roles import keeping as roles
from qnet_mailman.runners import handover
from qnet_mailman.runners.legible import make_legible
from qnet_mailman.subscriptions import limits, mail_commands, replies, sign_up
from qnet_mailman.templates.notices import SITE_MAIL

if TYPE_CHECKING:
    from mailman.core.runner import Runner as _Base
else:
    _Base = object

MAX_PUT_BACK = 20
"""How often a message is put back while the database answers otherwise."""
RETRY = 5.0
"""Seconds between attempts to set the plugin up."""
SWEEP_EVERY = timedelta(weeks=1)
"""Between two looks for files that belong to no held message."""
ORPHAN_AGE = timedelta(days=1)
"""Younger ones may belong to a message that is being held."""
REMIND = 300.0
"""Seconds after which the log says again why nothing is processed."""

log = logging.getLogger('mailman.runner')


class PutBack(BaseException):
    """The message at hand goes back to its queue.

    Not an `Exception`: Mailman's loop would take that as a reason to shunt.
    """


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


class Guard(_Base):
    """What is put before a runner of Mailman's."""

    inbox: type[handover.Inbox] = handover.Inbox
    """What its queue is."""

    _next_look = 0.0
    _said: tuple[str, float] | None = None
    _put_back: int = 0
    _is_at_work = False

    def __init__(self, name: str, slice: int | None = None) -> None:
        handover.use_handover()
        inbox = None
        if self.is_queue_runner:
            folder = config.switchboards[name].queue_directory
            instances = int(getattr(config, f'runner.{name}').instances)
            # Recovers before Mailman's own would.
            inbox = self.inbox(name, folder, slice, instances, True)
        super().__init__(name, slice)
        self.switchboard = inbox

    def signal_handler(self, signum: int, frame: Any) -> None:
        """See `IRunner`; the message at work is finished before the runner stops."""
        try:
            super().signal_handler(signum, frame)
        except RunnerInterrupt:
            if not self._is_at_work:
                raise

    def _obstacle(self) -> str | None:
        """Why nothing can be processed now; None if it can."""
        if startup.reason_not_ready() is not None:
            if time.monotonic() < self._next_look:
                return startup.reason_not_ready()
            try:
                startup.setup()
            except startup.NotReady as error:
                self._next_look = time.monotonic() + RETRY
                return str(error)
        try:
            config.db.store.execute(text('SELECT 1'))
            # Not to keep a transaction open while the runner sleeps.
            config.db.commit()
        except DBAPIError as error:
            config.db.abort()
            return f'the database does not answer: {startup.describe(error)}'
        return None

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

    def _one_iteration(self) -> int:
        """See `IRunner`."""
        obstacle = self._obstacle()
        self._say(obstacle)
        if obstacle is not None:
            return 0
        try:
            return super()._one_iteration()
        except PutBack as error:
            log.error('%s runner: message put back: %s', self.name, error)
            self._restore()
            return 0

    def _process_one_file(self, msg: Any, msgdata: dict[str, Any]) -> None:
        """See `IRunner`."""
        self._is_at_work = True
        try:
            self._work(msg, msgdata)
        except startup.NotReady as error:
            config.db.abort()
            raise PutBack(str(error)) from error
        except Exception as error:
            if _is_about_space(error):
                config.db.abort()
                raise PutBack(str(error)) from error
            if not _is_about_the_database(error):
                raise
            config.db.abort()
            if self._obstacle() is None:
                self._put_back += 1
                if self._put_back > MAX_PUT_BACK:
                    self._put_back = 0
                    raise
            raise PutBack(startup.describe(error)) from error
        finally:
            self._is_at_work = False
        self._put_back = 0

    def _work(self, msg: Any, msgdata: dict[str, Any]) -> None:
        """Work off the entry at hand unless that was done; hand on what comes of it."""
        assert isinstance(self.switchboard, handover.Inbox)
        entry = self.switchboard.handover()
        if not entry.is_done():
            entry.discard()
            with handover.collecting(entry):
                super()._process_one_file(msg, msgdata)
                entry.write_row()
            # Where this fails, it may have been done all the same: what waits stays
            # until the database says which.
            config.db.commit()
        entry.publish()

    def _restore(self) -> None:
        # Only this runner works on its slice, one file at a time, so that a
        # backup file here is the one that was just taken.
        assert self.switchboard is not None
        for filebase in self.switchboard.get_files('.bak'):
            path = os.path.join(self.switchboard.queue_directory, filebase)
            os.rename(path + '.bak', path + '.pck')

    def _do_periodic(self) -> None:
        """See `IRunner`."""
        if startup.reason_not_ready() is not None:
            return
        try:
            super()._do_periodic()
        except Exception as error:
            if not _is_about_the_database(error):
                raise
            config.db.abort()
            log.error(
                '%s runner: periodic work put off: %s',
                self.name,
                startup.describe(error),
            )


@public
class ArchiveRunner(Guard, archive.ArchiveRunner):
    """Hands posts to the archivers."""


class _Commands(command.CommandRunner):
    """A command runner without its guard."""

    def _process_one_file(self, msg: Any, msgdata: dict[str, Any]) -> None:
        # A request of the sign-up page is about many lists, and so about none.
        if not sign_up.handle_queued(msgdata):
            make_legible(msg)
            super()._process_one_file(msg, msgdata)

    def _dispose(self, mlist: Any, msg: Any, msgdata: dict[str, Any]) -> bool | None:
        try:
            if replies.handle(mlist, msg, msgdata):
                return False
            if row_of(mlist) is None:
                return super()._dispose(mlist, msg, msgdata)
            mail_commands.handle(mlist, msg, msgdata)
        except lost.MessageLost:
            lost.tell(mlist)
        return False


@public
class CommandRunner(Guard, _Commands):
    """Obeys commands by e-mail, answers to our questions, and the sign-up page."""


@public
class DigestRunner(Guard, digest.DigestRunner):
    """Makes digests, none of a list that is closed."""

    def _dispose(self, mlist: Any, msg: Any, msgdata: dict[str, Any]) -> bool | None:
        if closure_of(mlist.list_id) is not None:
            closing.keep_digest(mlist, msgdata)
            return False
        return super()._dispose(mlist, msg, msgdata)


@public
class IncomingRunner(Guard, incoming.IncomingRunner):
    """Decides about posts."""

    def _process_one_file(self, msg: Any, msgdata: dict[str, Any]) -> None:
        make_legible(msg)
        super()._process_one_file(msg, msgdata)


@public
class PipelineRunner(Guard, pipeline.PipelineRunner):
    """Prepares accepted posts."""

    def _process_one_file(self, msg: Any, msgdata: dict[str, Any]) -> None:
        # What was held, or came in another way, may not have been made so.
        make_legible(msg)
        super()._process_one_file(msg, msgdata)


class _Retry(retry.RetryRunner):
    """A retry runner without its guard."""

    def _process_one_file(self, msg: Any, msgdata: dict[str, Any]) -> None:
        if SITE_MAIL in msgdata:
            self._dispose(None, msg, msgdata)
        else:
            super()._process_one_file(msg, msgdata)


@public
class RetryRunner(Guard, _Retry):
    """Brings back what could not be delivered."""


class _Tasks(task.TaskRunner):
    """A task runner without its guard."""

    def _do_periodic(self) -> None:
        """See `IRunner`."""
        super()._do_periodic()
        # Not with the tasks, which wait for an hour.
        roles.periodic(now())
        closing.periodic(now())
        write_abandoned_map()
        review.periodic(now())


@public
class TaskRunner(Guard, _Tasks):
    """Cleans up.

    Stock removes every file of the message store that no row of the database
    names, and so a message that is being held at that moment: its file is
    written before its row is committed.
    """

    swept_at = datetime.min

    def _evict_pendings(self) -> None:
        # Stock's own sweep is due a week after this, and so never.
        self.lastmsg = datetime.now()
        super()._evict_pendings()
        limits.periodic(now())
        queues.sweep(now())
        if datetime.now() - self.swept_at >= SWEEP_EVERY:
            self.swept_at = datetime.now()
            remove_orphans(Path(config.MESSAGES_DIR))


def remove_orphans(folder: Path) -> int:
    """Remove files of the message store that belong to no message, and are old.

    :param folder: The message store's folder.
    :return: How many there were.
    """
    old = time.time() - ORPHAN_AGE.total_seconds()
    files = [
        path
        for path in folder.rglob('*')
        if path.is_file() and path.stat().st_mtime < old
    ]
    known = set(config.db.store.scalars(select(Message.message_id_hash)))
    orphans = [path for path in files if path.name not in known]
    for path in orphans:
        path.unlink(missing_ok=True)
    return len(orphans)


@public
class VirginRunner(Guard, virgin.VirginRunner):
    """Sends what Mailman itself writes, marked as automatic.

    RFC 3834 section 5: whatever a program writes says so, lest another
    program answers it.  Stock marks nothing.
    """

    def _dispose(self, mlist: Any, msg: Any, msgdata: dict[str, Any]) -> bool | None:
        if not msgdata.get('isdigest') and 'auto-submitted' not in msg:
            msg['Auto-Submitted'] = 'auto-generated'
        return super()._dispose(mlist, msg, msgdata)


GUARDED = {
    'bounces': 'qnet_mailman.runners.bounce.BounceRunner',
    'lmtp': 'qnet_mailman.runners.lmtp.LMTPRunner',
    'out': 'qnet_mailman.runners.outgoing.OutgoingRunner',
} | {
    name: f'{__name__}.{cls.__name__}'
    for name, cls in {
        'archive': ArchiveRunner,
        'command': CommandRunner,
        'digest': DigestRunner,
        'in': IncomingRunner,
        'pipeline': PipelineRunner,
        'retry': RetryRunner,
        'task': TaskRunner,
        'virgin': VirginRunner,
    }.items()
}
"""The class that `etc/mailman.cfg` names for each runner."""
