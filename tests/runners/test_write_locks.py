# SPDX-License-Identifier: GPL-3.0-or-later
"""The attack: mail that takes long to work off, while nobody else can write.

SQLite has one lock for writing, held from the first statement that needs it to the
commit.  So all that a post is computed for comes before that statement.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from mailman.config import config
from mailman.interfaces.member import DeliveryMode
from sqlalchemy import event

from qnet_mailman.bounces import receiving
from qnet_mailman.lists import digests
from qnet_mailman.model.lists import set_mask
from qnet_mailman.runners.bounce import BounceRunner
from qnet_mailman.runners.digest import DigestRunner
from qnet_mailman.runners.incoming import IncomingRunner
from qnet_mailman.runners.pipeline import PipelineRunner
from qnet_mailman.values import Mask
from tests.bounces.reports import received, report
from tests.helpers import message, post, queued

MEMBER = 'lee@example.org'
WRITES = ('INSERT', 'UPDATE', 'DELETE')
LATE = {'after-delivery'}
"""Handlers whose whole work is a statement."""

pytestmark = pytest.mark.mlist(
    'discussion',
    members=[MEMBER],
    digests={'dee@example.org': DeliveryMode.mime_digests},
    digest_size_threshold=0.001,
    subject_prefix='[news] ',
)


@contextmanager
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is done, in its order: handlers and rules by name, writes, commits."""
    done: list[str] = []

    def watch(component: Any, method: str) -> None:
        theirs = getattr(component, method)

        def ours(*args: Any) -> Any:
            try:
                return theirs(*args)
            finally:
                done.append(component.name)

        monkeypatch.setattr(component, method, ours)

    for handler in config.handlers.values():
        watch(handler, 'process')
    for rule in config.rules.values():
        watch(rule, 'check')

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().upper().startswith(WRITES):
            done.append('write')

    def end(*_args: Any) -> None:
        done.append('commit')

    event.listen(config.db.engine, 'before_cursor_execute', note)
    event.listen(config.db.engine, 'commit', end)
    try:
        yield done
    finally:
        event.remove(config.db.engine, 'before_cursor_execute', note)
        event.remove(config.db.engine, 'commit', end)


def after_writes(done: list[str]) -> set[str]:
    """The handlers and rules that work while other processes cannot write."""
    found, locked = set(), False
    for what in done:
        if what in ('write', 'commit'):
            locked = what == 'write'
        elif locked:
            found.add(what)
    return found


@pytest.mark.parametrize('mask', [Mask.off, Mask.everyone])
def test_nothing_is_computed_after_the_first_write(
    mlist: Any, mask: Mask, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_mask(mlist, mask)
    mlist.members.get_member(MEMBER).preferences.acknowledge_posts = True
    head = f'From: {MEMBER}\nTo: {mlist.fqdn_listname}\nSubject: News\n'
    post(mlist, message(f'{head}\nHello.\n', MEMBER))
    with watched(monkeypatch) as done:
        for runner in (IncomingRunner('in'), PipelineRunner('pipeline')):
            runner._one_iteration()
    assert not queued('shunt')
    # That the post is out.
    assert len(queued('virgin')) == 1
    assert {'qnet-mask', 'qnet-to-digest', 'to-outgoing'} <= set(done)
    assert 'write' in done
    assert after_writes(done) <= LATE


def test_a_digest_is_made_before_the_first_write(
    mlist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = f'From: {MEMBER}\nTo: {mlist.fqdn_listname}\nSubject: News\n'
    post(mlist, message(f'{head}\nHello.\n', MEMBER))
    for runner in (IncomingRunner('in'), PipelineRunner('pipeline')):
        runner._one_iteration()
    config.db.commit()
    with watched(monkeypatch) as done:
        made = digests._made

        def made_and_noted(*args: Any) -> Any:
            found = made(*args)
            done.append('made')
            return found

        monkeypatch.setattr(digests, '_made', made_and_noted)
        DigestRunner('digest')._one_iteration()
    assert 'write' in done[done.index('made') :]
    assert 'write' not in done[: done.index('made')]


def test_reports_are_read_before_the_first_is_scored(
    mlist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _number in range(3):
        msg = report(mlist, MEMBER)
        config.switchboards['bounces'].enqueue(msg, received(msg), listid=mlist.list_id)
    config.db.commit()
    with watched(monkeypatch) as done:
        classify = receiving.classify

        def read(msg: Any) -> Any:
            done.append('read')
            return classify(msg)

        monkeypatch.setattr(receiving, 'classify', read)
        runner = BounceRunner('bounces')
        monkeypatch.setattr(runner, '_do_periodic', lambda: None)
        runner._one_iteration()
    assert not queued('shunt') and not queued('bounces')
    assert done.count('read') == 3 and 'write' in done
    assert 'read' not in done[done.index('write') :]
