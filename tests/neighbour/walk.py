# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps on lists with Mailman's own styles, and all that anybody sees of them (R40).

Usage: ``python -m tests.neighbour.walk MAILMAN.CFG STYLE...``.  The configuration is of
a new site, with the plugin or without.  Prints JSON: a list of pairs, what was done and
what was then to be seen: mail as the mail server got it, members, what waits, answers
of the REST API and of commands.  Only what differs from run to run is masked.

Mailman runs in this process: each runner of the configuration works its queue off by
hand, and does its periodic work once.  The clock stands still, but for days that pass.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import dns.resolver
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from mailman.core import initialize
from mailman.utilities import datetime as mailman_datetime

from qnet_mailman.demo.ports import HOST, Reservation

DOMAIN = 'lists.example.gov'
BEGIN = datetime(2026, 3, 2, 12)
QUEUES = (
    *('in', 'pipeline', 'command', 'bounces', 'digest', 'virgin', 'archive'),
    *('out', 'retry'),
)
BESIDE = '@beside.example.org'
"""The domain of people on a list of ours beside the others."""
SUPPORT = 'help@example.gov'
"""Who is told of the bounces of that list, as it has no administrators."""
POLICIES = ('open', 'confirm', 'moderate', 'confirm_then_moderate')

MASKS = (
    # Tokens, those in our own addresses too, and Message-IDs.
    (re.compile(r'\b[0-9a-f]{40}\b'), 'TOKEN'),
    (re.compile(r'<[0-9]+(\.[0-9]+)+@[^>]+>'), '<MESSAGE-ID>'),
    (re.compile(r'={15}[0-9]+=='), 'BOUNDARY'),
    (re.compile(r'^(Date|Received|X-Mailman-Version): .*$', re.M), r'\1: ...'),
    (re.compile(r'\b[0-9a-f]{32}\b'), 'UUID'),
    (re.compile(r'127\.0\.0\.1:[0-9]+'), 'HOST:PORT'),
    (re.compile(r'completed in [0-9.e-]+ seconds'), 'completed in no time'),
    # Which has the length of its Message-ID in it.
    (re.compile(r'(LOG <MESSAGE-ID> post to .*), [0-9]+ bytes'), r'\1, SIZE bytes'),
    (re.compile(r'^X-Archived-Date: .*$', re.M), 'X-Archived-Date: ...'),
)


def masked(text: str) -> str:
    """A text without what differs from run to run."""
    for pattern, word in MASKS:
        text = pattern.sub(word, text)
    return text


class Sink:
    """A mail server that takes everything but for the addresses in `refused`."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.mails: list[tuple[str, tuple[str, ...], bytes]] = []

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        """See aiosmtpd."""
        if address in self.refused:
            return '550 5.1.1 No such user'
        envelope.rcpt_tos.append(address)
        return '250 OK'

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """See aiosmtpd."""
        mail = (envelope.mail_from, tuple(sorted(envelope.rcpt_tos)), envelope.content)
        self.mails.append(mail)
        return '250 OK'


class Walk:
    """One run through all the steps.

    :ivar seen: What was done, and what was then to be seen.
    """

    def __init__(self, config: Any, sink: Sink) -> None:
        self.config = config
        self.sink = sink
        self.seen: list[tuple[str, list[str]]] = []
        self.notes: list[str] = []
        self._lmtp = _lmtp(config)
        self.last: list[tuple[str, tuple[str, ...], bytes]] = []
        self.beside: list[tuple[str, tuple[str, ...], bytes]] = []
        self.of_ours: list[tuple[list[str], list[str]]] = []
        self._logged = _Lines()
        logging.getLogger('mailman.smtp').addHandler(self._logged)

    @contextmanager
    def step(self, name: str, *lists: Any) -> Iterator[None]:
        """Do something; then all queues are worked off, and what there is to see noted.

        :param lists: Whose members and waiting requests belong to it.
        """
        notes = self.notes = []
        try:
            yield
        except Exception as error:
            self.config.db.abort()
            notes.append(f'{type(error).__name__}: {error}')
        self.config.db.commit()
        self.work_off()
        mails, self.sink.mails = sorted(self.sink.mails), []
        of_ours = [mail for mail in mails if mail[1][0].endswith((BESIDE, SUPPORT))]
        self.beside += of_ours
        self.last = [mail for mail in mails if mail not in of_ours]
        notes += [
            f'MAIL FROM {sender} RCPT TO {" ".join(to)}\n{data.decode("latin-1")}'
            for sender, to, data in self.last
        ]
        notes += self._logged.taken()
        notes += self._archived()
        for mlist in lists:
            notes += state_of(mlist.list_id)
        notes += [
            f'queue {name}: {len(self.config.switchboards[name].files)}'
            for name in ('shunt', 'bad', *QUEUES)
            if self.config.switchboards[name].files
        ]
        self.config.db.abort()
        self.seen.append((name, [masked(note) for note in notes]))

    def _archived(self) -> list[str]:
        """What an archiver was given since it was asked last."""
        found = []
        for file in Path(self.config.ARCHIVE_DIR).glob('prototype/*/new/*'):
            if not file.parent.parent.name.startswith('beside@'):
                found.append(f'ARCHIVED {file.read_bytes().decode("latin-1")}')
            file.unlink()
        return sorted(found)

    def work_off(self) -> None:
        """Let every runner work off its queue."""
        from mailman.utilities.modules import find_name

        busy = True
        while busy:
            busy = False
            for name in QUEUES:
                runner = find_name(getattr(self.config, f'runner.{name}')['class'])(
                    name
                )
                if not self.config.switchboards[name].files:
                    continue
                busy = name != 'retry'
                runner._one_iteration()
                self.config.db.commit()

    def periodic(self) -> None:
        """Let every runner do what it does from time to time.

        With the plugin some of it is done once a minute.
        """
        self.forward(minutes=2)
        from mailman.utilities.modules import find_name

        for name in ('bounces', 'task', 'retry', 'digest'):
            runner = find_name(getattr(self.config, f'runner.{name}')['class'])(name)
            runner._do_periodic()
            self.config.db.commit()

    def forward(self, **by: float) -> None:
        """Let time pass."""
        set_clock(mailman_datetime.now(strip_tzinfo=True) + timedelta(**by))

    def mail(self, to: str, text: str | bytes, sender: str) -> None:
        """Hand in a mail as a mail server does by LMTP; the reply is noted."""
        data = text.encode() if isinstance(text, str) else text
        envelope = Envelope()
        envelope.mail_from = sender
        envelope.content = re.sub(rb'\r?\n', b'\r\n', data)
        reply = self._lmtp._handle_RCPT(None, None, envelope, to, [])
        if reply.startswith('250'):
            reply = self._lmtp._handle_DATA(None, None, envelope)
        self.config.db.commit()
        self.notes.append(f'LMTP {to}: {reply}')

    def token(self) -> str:
        """The token of a mail just sent.

        :raises LookupError: if there is none.
        """
        for _sender, _to, data in self.last:
            found = re.search(rb'(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])', data)
            if found:
                return found[0].decode()
        raise LookupError('no token was sent')


class _Lines(logging.Handler):
    """What the templates of ``[logging.smtp]`` make of deliveries."""

    _OURS = re.compile(r' (smtp|post) to | delivery to .* failed ')

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        line = record.getMessage()
        if self._OURS.search(line) and 'beside@' not in line:
            # In an order that is no matter of random names.
            self._lines.append(masked(f'LOG {line}'))

    def taken(self) -> list[str]:
        """Those since they were taken last."""
        lines, self._lines = sorted(self._lines), []
        return lines


def set_clock(moment: datetime) -> None:
    """Stop Mailman's clock."""
    mailman_datetime.layers = SimpleNamespace(is_testing=lambda: True)
    factory = mailman_datetime.DateFactory
    factory.predictable_now = moment.replace(tzinfo=UTC)
    factory.predictable_today = moment.date()


def state_of(list_id: str) -> list[str]:
    """Members, bans, what waits for a moderator, and what waits for an answer."""
    from mailman.interfaces.bans import IBanManager
    from mailman.interfaces.listmanager import IListManager
    from mailman.interfaces.pending import IPendings
    from mailman.interfaces.requests import IListRequests
    from zope.component import getUtility

    mlist = getUtility(IListManager).get(list_id)
    if mlist is None:
        return []
    members = [
        f'{m.role.name} {m.address.original_email} {m.display_name!r} '
        f'{m.delivery_mode.name} {m.delivery_status.name} score {m.bounce_score} '
        f'warnings {m.total_warnings_sent} {m.moderation_action}'
        for roster in (mlist.members, mlist.owners, mlist.moderators, mlist.nonmembers)
        for m in roster.members
    ]
    held = [f'held {r.key}' for r in IListRequests(mlist).held_requests]
    pendings = sorted(
        json.dumps(
            {k: v for k, v in pendable.items() if k not in ('_mod_message_id',)},
            sort_keys=True,
        )
        for _token, pendable in getUtility(IPendings).find(mlist)
    )
    bans = [f'ban {ban.email}' for ban in IBanManager(mlist)]
    return ['\n'.join([mlist.list_id, *sorted(members), *held, *pendings, *bans])]


def _lmtp(config: Any) -> Any:
    """The handler of the runner that the configuration names, and no server."""
    module = import_module(getattr(config, 'runner.lmtp')['class'].rpartition('.')[0])
    return (getattr(module, 'Handler', None) or module.LMTPHandler)()


@contextmanager
def walking(cfg: str) -> Iterator[Walk]:
    """Mailman with a configuration, and a mail server to which it sends."""
    sink = Sink()
    ports = Reservation()
    port = ports.take()
    server = Controller(sink, hostname=HOST, port=port)
    ports.release()
    with mock.patch.object(dns.resolver.Resolver, 'resolve', _no_name):
        server.start()
        try:
            initialize.initialize(cfg)
            from mailman.config import config

            config.push('sink', f'[mta]\nsmtp_host: {HOST}\nsmtp_port: {port}\n')
            set_clock(BEGIN)
            yield Walk(config, sink)
        finally:
            server.stop()


def main() -> int:
    """See the module's docstring."""
    with walking(sys.argv[1]) as walk:
        from tests.neighbour.beside import side_by_side
        from tests.neighbour.steps import all_steps

        all_steps(walk, sys.argv[2:])
        side_by_side(walk, sys.argv[2])
        json.dump({'seen': walk.seen, 'ours': walk.of_ours}, sys.stdout, indent=1)
    return 0


def _no_name(*args: Any, **kws: Any) -> None:
    raise dns.resolver.NXDOMAIN


if __name__ == '__main__':
    sys.exit(main())
