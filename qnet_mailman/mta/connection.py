# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to a mail server that send bytes as they are.

They are to the mail servers (:mod:`.hosts`) in turn and stay for a batch, unless their
server fails; what is left then goes to another.

A server that lets us wait gets several messages at a time, each over a connection of
its own, as many as the site allows (`smtp_connections`).
"""

from __future__ import annotations

import logging
import select
import smtplib
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message as Mail
from typing import Any

from lazr.config import as_boolean
from mailman.config import config
from mailman.mta.connection import Connection

from qnet_mailman import site
from qnet_mailman.mta import hosts
from qnet_mailman.mta.pipelining import Message, Outcome, Session, Steps
from qnet_mailman.mta.refusal import NO_REPLY, UNAVAILABLE, is_about_size, text_of
from qnet_mailman.mta.wire import on_the_wire

MAX_UNANSWERED = 3
"""Messages in a row without an answer, after which the rest of a batch is put off."""

PATIENCE = 0.002
"""Seconds without an answer after which another connection is opened."""

LOOK_EVERY = 1.0
"""Seconds after which to look whether a server has been silent for too long."""

log = logging.getLogger('mailman.smtp')


@dataclass(eq=False)
class _Open:
    """A connection to one of the mail servers.

    :ivar left: How many messages it may still have; below zero, any number.
    :ivar steps: Its conversation; None where nothing is being sent.
    :ivar since: When the server was last heard of.
    :ivar failed: Whether a message failed on it.
    """

    host: hosts.Host
    client: smtplib.SMTP
    session: Session
    left: int
    steps: Steps | None = None
    since: float = 0.0
    failed: bool = False


class Verbatim:
    """Connections that send messages as they are.

    What goes wrong before the server was told of a recipient says nothing about that
    recipient: such a reply counts as none, and so never as a bounce.
    """

    write = staticmethod(on_the_wire)
    blames_recipients = False
    """Whether a refusal of the sender is one of each recipient."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._all = hosts.configured()
        self._hosts = hosts.known(self._all)
        self._full: set[hosts.Host] = set()
        """Of the servers, those that take no more connections of ours."""
        self._open: dict[int, _Open] = {}
        """By the number of its file."""
        self._poll = select.poll()
        self._timeout = site.settings().smtp_timeout.total_seconds()
        self._unanswered = 0
        self._waiting: Iterator[Message] = iter(())
        self._ahead: deque[Message] = deque()
        """Those of them that were taken, and are next."""
        self._told: deque[tuple[Message, Outcome]] = deque()
        self.too_large = ''
        """What the mail server said to the size of the message; empty if nothing."""

    def sendmail(self, sender: str, recipients: list[str], msg: Mail) -> Any:
        """As `Connection.sendmail`."""
        del msg['bcc']
        message = Message(sender, recipients, self.write(msg))
        ((_message, outcome),) = self.send([message])
        if isinstance(outcome, OSError):
            raise outcome
        return outcome

    def send(self, messages: Iterable[Message]) -> Iterator[tuple[Message, Outcome]]:
        """Send messages; the outcome of each as soon as it is known.

        :param messages: One is taken when it is about to be sent.
        """
        self._waiting = iter(messages)
        try:
            while True:
                while self._told:
                    yield self._told.popleft()
                busy = [one for one in self._open.values() if one.steps is not None]
                # While the servers are at work, the next message is made.
                if not self._ahead and (message := next(self._waiting, None)):
                    self._ahead.append(message)
                if not self._ahead and not busy:
                    return
                self._get_on(busy)
        except BaseException:
            # Whoever takes the batch again has all of it.
            self._ahead.clear()
            for one in list(self._open.values()):
                self._forget(one).close()
            raise

    def _get_on(self, busy: list[_Open]) -> None:
        """Begin to send the next message, or wait for what servers say."""
        if self._ahead and self._unanswered >= MAX_UNANSWERED:
            # The others of the batch need not wait for a server that is not there.
            error = smtplib.SMTPServerDisconnected('the mail server does not answer')
            self._told.append((self._ahead.popleft(), error))
        elif self._ahead and len(busy) < len(self._open):
            self._begin(next(one for one in self._open.values() if one.steps is None))
        elif self._ahead and not busy:
            try:
                self._begin(self._connect())
            except hosts.Unavailable as error:
                # All were tried just now.
                self._unanswered = MAX_UNANSWERED
                self._told.append((self._ahead.popleft(), error))
        elif not self._wait(PATIENCE):
            if self._ahead and any(map(self._has_room, self._all)):
                with suppress(hosts.Unavailable):
                    self._connect()
            else:
                self._wait(LOOK_EVERY)

    def _wait(self, seconds: float) -> bool:
        """Go on where a server has answered, or is silent for too long.

        :return: Whether one has answered.
        """
        answered = self._poll.poll(seconds * 1000)
        for number, _event in answered:
            one = self._open[number]
            if one.steps is not None:
                self._go_on(one)
            else:
                # Nobody asked it: it goes away.
                self._end(one)
        if answered:
            return True
        now = time.monotonic()
        for one in list(self._open.values()):
            if one.steps is not None and now - one.since > self._timeout:
                one.client.close()
                self._go_on(one, smtplib.SMTPServerDisconnected('timed out'))
        return False

    def _begin(self, one: _Open) -> None:
        def following() -> Message | None:
            if one.left == 0 or self._unanswered >= MAX_UNANSWERED:
                return None
            message = (
                self._ahead.popleft() if self._ahead else next(self._waiting, None)
            )
            one.left -= message is not None
            return message

        def told(message: Message, outcome: Outcome) -> None:
            if isinstance(outcome, OSError):
                one.failed |= not isinstance(outcome, smtplib.SMTPNotSupportedError)
                outcome = self._judged(one.host, outcome)
            else:
                self._unanswered = 0
                self._hosts.answered(one.host)
            self._told.append((message, outcome))

        one.steps = one.session.hand_over(following, told, self._ahead.appendleft)
        self._go_on(one)

    def _go_on(self, one: _Open, error: Exception | None = None) -> None:
        assert one.steps is not None
        one.since = time.monotonic()
        try:
            if error is None:
                next(one.steps)
            else:
                one.steps.throw(error)
        except StopIteration:
            one.steps = None
            if one.failed or one.left == 0:
                # For safety, as in Mailman; the next message opens another.
                self._end(one)

    def _judged(self, host: hosts.Host, error: OSError) -> OSError:
        """The outcome of a message that failed."""
        answered = _is_an_answer(error)
        self._unanswered = 0 if answered else self._unanswered + 1
        if isinstance(error, smtplib.SMTPSenderRefused) and not self.blames_recipients:
            # Whoever the recipients are (R36).
            if is_about_size(error.smtp_code, error.smtp_error):
                self.too_large = f'{error.smtp_code} {text_of(error.smtp_error)}'
            else:
                self._pass_over(host, error)
            return smtplib.SMTPException(str(error))
        if not answered:
            self._pass_over(host, error)
        return error

    # -------------------------------------------------------------- connections

    def _has_room(self, host: hosts.Host) -> bool:
        """Whether a server may get another connection."""
        number = sum(one.host == host for one in self._open.values())
        return (
            number < site.settings().smtp_connections
            and host not in self._full
            # As long as others take mail, nobody waits for one that did not.
            and not (self._open and self._hosts.is_passed_over(host))
        )

    def _connect(self) -> _Open:
        """Connect to the first server that takes our mail.

        :raises Unavailable: where none does.
        """
        errors = []
        timeout = site.settings().smtp_connect_timeout.total_seconds()
        at_work = {one.host for one in self._open.values()}
        for host in filter(self._has_room, self._hosts.in_turn()):
            try:
                client = hosts.session(host, self._connection, timeout)
            except (OSError, UnicodeError) as error:
                if host in at_work:
                    # It goes on with those that it has.
                    self._full.add(host)
                else:
                    self._pass_over(host, error)
                errors.append(f'{host}: {error}')
                continue
            assert client.sock is not None
            client.sock.settimeout(self._timeout)
            left = self._connection._sessions_per_connection or -1
            one = _Open(host, client, Session(client, _redirection()), left)
            self._open[client.sock.fileno()] = one
            self._poll.register(client.sock, select.POLLIN)
            return one
        raise hosts.Unavailable('; '.join(errors))

    def _pass_over(self, host: hosts.Host, error: Exception) -> None:
        rest = self._hosts.failed(host)
        if rest is not None:
            log.error(
                'mail server %s: %s; passed over for %d seconds', host, error, rest
            )

    def _forget(self, one: _Open) -> smtplib.SMTP:
        number = next(number for number, each in self._open.items() if each is one)
        del self._open[number]
        self._poll.unregister(number)
        return one.client

    def quit(self) -> None:
        """As `Connection.quit`."""
        self._end(*self._open.values())

    def _end(self, *some: _Open) -> None:
        clients = [self._forget(one) for one in some]
        hosts.end(clients, site.settings().smtp_connect_timeout.total_seconds())


def _redirection() -> str | None:
    """Where a site that is tried out sends all mail, as in Mailman."""
    if as_boolean(config.devmode.enabled):
        return str(config.devmode.recipient)
    return None


def _is_an_answer(error: OSError) -> bool:
    """Whether the failure is what a server that works says to one message."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code != UNAVAILABLE for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code != UNAVAILABLE
    return isinstance(error, smtplib.SMTPNotSupportedError)


class VerbatimMixin:
    """For a delivery of Mailman's, which makes its connection itself."""

    kind: type[Verbatim] = Verbatim

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._connection = self.kind(self._connection)  # type: ignore[has-type]

    def _send_all(
        self, message_id: object, messages: Iterable[Message]
    ) -> dict[str, tuple[int, Any]]:
        """Send copies of one message that are written already.

        :return: What was said to recipients who do not get it, as Mailman's
            `_deliver_to_recipients` says and logs it.
        """
        refused: dict[str, tuple[int, Any]] = {}
        for message, outcome in self._connection.send(messages):
            if not isinstance(outcome, OSError):
                refused.update(outcome)
            elif isinstance(outcome, smtplib.SMTPRecipientsRefused):
                log.error('%s recipients refused: %s', message_id, outcome)
                refused.update(outcome.recipients)
            elif isinstance(outcome, smtplib.SMTPResponseException):
                log.error('%s response exception: %s', message_id, outcome)
                reply = (outcome.smtp_code, outcome.smtp_error)
                refused.update(dict.fromkeys(message.recipients, reply))
            else:
                log.error('%s low level smtp error: %s', message_id, outcome)
                reply = (NO_REPLY, str(outcome))
                refused.update(dict.fromkeys(message.recipients, reply))
        return refused
