# SPDX-License-Identifier: GPL-3.0-or-later
"""What the site itself writes: delivered on a site without a list as on any other."""

from __future__ import annotations

import email
import email.policy
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from mailman.app.lifecycle import remove_list
from mailman.config import config
from mailman.interfaces.template import ITemplateManager
from sqlalchemy import func, select
from zope.component import getUtility

from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounce, QNetBounceNotice
from qnet_mailman.runners import outgoing, retry
from qnet_mailman.templates import sending
from qnet_mailman.templates.sending import AUTO_REPLIED, SITE_MAIL
from tests.clock import Clock
from tests.helpers import queued, subscribe, text_of
from tests.keeping import Keeper, keeping

RAE = 'rae@agency.example.gov'
TEMPLATE = 'qnet:requester:notice:forms-received'
OPERATORS = ['help@example.gov', 'operators@example.gov']


class Server(Keeper):
    """A mail server that answers to recipients as it is told, and keeps the rest."""

    def __init__(self) -> None:
        super().__init__()
        self.replies: dict[str, str] = {}

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address in self.replies:
            return self.replies[address]
        envelope.rcpt_tos.append(address)
        return '250 OK'


@pytest.fixture
def server(core: Any) -> Iterator[Server]:
    with keeping(Server()) as server:
        yield server


def write(to: str | list[str] = RAE, **how: Any) -> None:
    sending.send(None, to, TEMPLATE, 'It is here', {'numbers': '  QM-000001'}, **how)


def work(*names: str) -> None:
    """Let runners that were just started work once, in this order."""
    runners = {'out': outgoing.OutgoingRunner, 'retry': retry.RetryRunner}
    for name in names:
        runners[name](name)._one_iteration()


def waiting() -> list[str]:
    """The queues that are not empty."""
    return sorted(name for name in config.switchboards if queued(name))


def test_it_needs_no_list(server: Server) -> None:
    write(OPERATORS)
    work('out')
    ((sender, recipients, data),) = server.sent
    assert (sender, recipients) == ('operators@example.gov', OPERATORS)
    msg: Any = email.message_from_bytes(data, EmailMessage, policy=email.policy.default)
    assert {name: msg[name] for name in ('From', 'To', 'Subject', 'Precedence')} == {
        'From': 'QualityNet Mailer <help@example.gov>',
        'To': ', '.join(OPERATORS),
        'Subject': 'It is here',
        'Precedence': 'bulk',
    }
    assert msg['Auto-Submitted'] == 'auto-generated'
    assert msg['Message-ID'].endswith('@lists.example.gov>')
    assert msg['Date'].datetime
    assert not [name for name in msg if name.lower().startswith('list-')]
    assert 'QM-000001' in text_of(msg) and '$' not in text_of(msg)
    assert waiting() == []


def test_an_answer_has_no_envelope_sender(server: Server) -> None:
    write(automatic=AUTO_REPLIED)
    work('out')
    assert [sender for sender, _to, _data in server.sent] == ['']


def test_a_list_that_is_deleted_meanwhile_has_no_part_in_it(
    server: Server, make_list: Any
) -> None:
    mlist = make_list()
    write()
    remove_list(mlist)
    config.db.commit()
    work('out')
    assert [to for _sender, to, _data in server.sent] == [[RAE]]


def test_an_operators_text_and_letters_beyond_ascii(server: Server) -> None:
    file = Path(config.VAR_DIR) / 'received.txt'
    file.write_text('Grüße: $numbers\n' + 'ä' * 1200 + '\n', 'utf-8')
    getUtility(ITemplateManager).set(TEMPLATE, None, file.as_uri())
    config.db.commit()
    write('grüße@example.org')
    work('out')
    ((_sender, recipients, data),) = server.sent
    assert recipients == ['grüße@example.org']
    assert max(map(len, data.split(b'\r\n'))) <= 998
    msg: Any = email.message_from_bytes(data, EmailMessage, policy=email.policy.default)
    assert text_of(msg).startswith('Grüße:   QM-000001\n')
    assert 'ä' * 1200 in text_of(msg)


def test_who_is_put_off_gets_it_later(server: Server) -> None:
    server.replies = {'help@example.gov': '451 4.2.1 Try again later'}
    write(OPERATORS)
    work('out')
    assert [to for _sender, to, _data in server.sent] == [['operators@example.gov']]
    assert waiting() == ['retry']
    server.replies.clear()
    work('retry', 'out')
    assert [to for _sender, to, _data in server.sent[1:]] == [['help@example.gov']]
    assert waiting() == []


def test_a_mail_server_that_is_away(core: Any, server: Server) -> None:
    config.push('away', '[mta]\nsmtp_port: 1\n')
    try:
        write()
        work('out')
    finally:
        config.pop('away')
    assert waiting() == ['retry']
    work('retry', 'out')
    assert len(server.sent) == 1


def test_a_refusal_is_nobodys_bounce(
    server: Server, make_list: Any, caplog: pytest.LogCaptureFixture
) -> None:
    subscribe(make_list(), RAE)
    config.db.commit()
    for name in config.switchboards['virgin'].files:
        config.switchboards['virgin'].dequeue(name)
        config.switchboards['virgin'].finish(name)
    server.replies = {RAE: '550 5.1.1 No such user'}
    write()
    with caplog.at_level('INFO', 'mailman.smtp'):
        work('out')
    assert f'to {RAE} failed: 550 5.1.1 No such user' in caplog.text
    assert waiting() == []
    for table in (QNetBounce, QNetBounceNotice):
        assert store().scalar(select(func.count(table.id))) == 0


def test_it_is_given_up_in_the_end(server: Server, clock: Clock) -> None:
    server.replies = {RAE: '451 4.2.1 Try again later'}
    write()
    work('out')
    for _day in range(5):
        clock.forward(days=1)
        work('retry', 'out')
    assert waiting() == ['retry']
    clock.forward(days=1)
    work('retry', 'out')
    assert waiting() == []


KILLED = """
import os, signal, sys
from mailman.core import initialize
initialize.initialize(sys.argv[1])
from mailman.config import config
from qnet_mailman.queues import handover
from qnet_mailman.runners import outgoing
runner = outgoing.OutgoingRunner('out')
runner._obstacle = lambda: None
def die(*args, **kws):
    os.kill(os.getpid(), signal.SIGKILL)
where = sys.argv[2]
if where == 'at work':
    runner._deliver = die
elif where == 'before the commit':
    config.db.commit = die
else:
    handover.Handover.move = die
runner._one_iteration()
"""


@pytest.mark.parametrize('where', ['at work', 'before the commit', 'after the commit'])
def test_a_killed_runner_loses_nothing(core: Any, server: Server, where: str) -> None:
    # It has no mail server: what it has done is to put the message off.
    write()
    config.db.commit()
    command = [sys.executable, '-c', KILLED, str(core.cfg), where]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert os.listdir(config.switchboards['out'].queue_directory)
    work('out', 'retry', 'out')
    assert len(server.sent) == 1
    assert waiting() == []


def test_one_that_breaks_its_runner_can_be_looked_at_and_tried_again(
    server: Server,
) -> None:
    def fail(*args: Any) -> None:
        raise ValueError

    write()
    runner = outgoing.OutgoingRunner('out')
    runner._deliver = fail
    runner._one_iteration()
    ((msg, data),) = queued('shunt')
    assert data['whichq'] == 'out' and data[SITE_MAIL]
    config.switchboards['out'].enqueue(msg, data)
    work('out')
    recipients = [to for _sender, to, _data in server.sent]
    # The other tells operators of it, once.
    assert recipients.count(['rae@agency.example.gov']) == 1 and len(recipients) == 2
