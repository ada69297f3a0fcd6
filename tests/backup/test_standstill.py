# SPDX-License-Identifier: GPL-3.0-or-later
"""While a backup is begun, nothing is worked on; and not a moment longer (R33)."""

from __future__ import annotations

import fcntl
import threading
from contextlib import ExitStack
from typing import Any

import pytest

from qnet_mailman.backup import making
from qnet_mailman.queues import standstill
from qnet_mailman.rest import patience
from qnet_mailman.rest.limits import limit
from qnet_mailman.runners.incoming import IncomingRunner
from qnet_mailman.runners.task import TaskRunner
from tests.helpers import message, post, queued
from tests.rest.client import AUTHORIZATION, application

POST = 'From: x@example.net\r\nTo: {list}\r\nMessage-ID: <{number}@example.net>\r\n\r\n'


def write(mlist: Any, number: int) -> None:
    post(mlist, message(POST.format(list=mlist.fqdn_listname, number=number)))


def test_runners_leave_their_queue_alone(mlist: Any) -> None:
    write(mlist, 1)
    runner = IncomingRunner('in')
    with standstill.standing_still(0):
        assert runner._one_iteration() == 0
    assert len(queued('in')) == 1
    assert runner._one_iteration() == 1
    assert not queued('in')


def test_a_runner_ends_its_round_when_it_has_finished_a_message(
    mlist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        write(mlist, number)
    with ExitStack() as stack:

        class Interrupted(IncomingRunner):
            def _dispose(self, *args: Any) -> Any:
                # What is at work is waited for.
                with pytest.raises(standstill.StillAtWork):
                    stack.enter_context(standstill.standing_still(0))
                wanted = stack.enter_context(standstill._opened(standstill.WANTED))
                assert standstill._taken(wanted, fcntl.LOCK_EX)
                return super()._dispose(*args)

        Interrupted('in')._one_iteration()
        assert len(queued('in')) == 2
    assert IncomingRunner('in')._one_iteration() == 2


def test_what_is_timed_waits(core: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    done = []
    monkeypatch.setattr(
        'qnet_mailman.runners.task.do_due', lambda *args: done.append(args)
    )
    runner = TaskRunner('task')
    with standstill.standing_still(0):
        runner._do_periodic()
    assert not done
    runner._do_periodic()
    assert done


def test_a_backup_is_not_made_beside_what_takes_too_long(
    core: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, 'PATIENCE', 0.0)
    with standstill.working() as may_work:
        assert may_work
        with pytest.raises(making.BackupError, match='at work on one message'):
            making.make(tmp_path, web=False)
    assert not list(tmp_path.iterdir())
    assert not standstill.is_wanted()
    with making.alone(), pytest.raises(making.BackupError, match='being made'):
        making.make(tmp_path, web=False)


def request(method: str) -> tuple[str, dict[str, str], bytes]:
    """Ask core's REST server, as its runner has it."""
    found: list[Any] = []
    environ = {
        'REQUEST_METHOD': method,
        'PATH_INFO': '/3.1/domains',
        'QUERY_STRING': 'mail_host=lists.example.gov',
        'SERVER_NAME': 'localhost',
        'SERVER_PORT': '80',
        'SERVER_PROTOCOL': 'HTTP/1.1',
        'wsgi.url_scheme': 'http',
        'wsgi.input': None,
        'wsgi.errors': None,
        'HTTP_AUTHORIZATION': AUTHORIZATION,
    }
    served = patience.patient(limit(application()))
    body = served(environ, lambda *args: found.extend(args))
    return found[0], dict(found[1]), b''.join(body)


def test_requests_that_change_something_wait(
    core: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, standstill.standing_still(0):
        patch.setattr(patience, 'WAIT', 0.0)
        # A runner's archiver may ask, and the backup waits for that runner.
        assert request('GET')[0] == '200 OK'
        status, headers, body = request('POST')
    assert (status, headers['Retry-After']) == ('503 Service Unavailable', '30')
    assert b'Service Unavailable' in body
    with ExitStack() as still:
        still.enter_context(standstill.standing_still(0))
        answers: list[Any] = []
        client = threading.Thread(target=lambda: answers.append(request('POST')))
        # It looks whether it may, and is told so once it has been told not to.
        look, looked = standstill.is_wanted, threading.Event()

        def is_wanted() -> bool:
            found = look()
            looked.set()
            return found

        monkeypatch.setattr(standstill, 'is_wanted', is_wanted)
        client.start()
        looked.wait()
        assert not answers
    client.join()
    assert answers[0][0] == '201 Created'
