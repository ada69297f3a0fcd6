# SPDX-License-Identifier: GPL-3.0-or-later
"""Posts that are on their way while a list is adopted or handed back (R10, R40).

Each is delivered once and whole, and masked if the list masks then; one that is
collected for a digest is in one digest.
"""

from __future__ import annotations

import mailbox
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mailman.app.digests import maybe_send_digest_now as stock_digest
from mailman.app.moderator import handle_message
from mailman.config import config
from mailman.interfaces.action import Action
from mailman.interfaces.member import DeliveryMode
from mailman.interfaces.requests import IListRequests
from mailman.runners import archive as stock_archive

from qnet_mailman.lists import digests
from qnet_mailman.roles import grants
from qnet_mailman.roles.rights import Identity, Role
from qnet_mailman.runners import archive, digest, outgoing, retry
from qnet_mailman.runners.guard import Guard
from tests.adopting.stock_lists import (
    ANN,
    BOB,
    OWNER,
    adopt,
    again,
    member_of,
    release,
    stock_list,
)
from tests.helpers import digested, empty, message, post, queued, run, subscribe
from tests.keeping import Keeper
from tests.killed import KILLED, in_a_process

TEXT = 'The report is due on Friday.'


@pytest.fixture
def talk(core: SimpleNamespace) -> str:
    """A list of Mailman's own, whose owner holds the role, with two other members."""
    mlist = stock_list(include_rfc2369_headers=False)
    for address in (ANN, BOB, OWNER):
        subscribe(mlist, address)
    grants.approve(Identity.of(OWNER), Role.administrator, email=OWNER, silent=True)
    config.db.commit()
    return str(mlist.list_id)


def send(list_id: str, number: int = 1) -> None:
    raw = (
        f'From: Olga Owner <{OWNER}>\nTo: talk@lists.example.gov\n'
        f'Subject: Report {number}\nMessage-ID: <r{number}@agency.test>\n\n'
        f'{TEXT} Number {number}.\n'
    )
    post(again(list_id), message(raw, OWNER))


def work(runner: Guard) -> None:
    while runner._one_iteration():
        pass
    config.db.commit()


def put_off() -> None:
    """What is in `out` waits for another try."""
    for name in config.switchboards['out'].files:
        folders = [config.switchboards[q].queue_directory for q in ('out', 'retry')]
        os.rename(*(os.path.join(folder, f'{name}.pck') for folder in folders))


STEPS = {
    'in': lambda: run('in'),
    'pipeline': lambda: run('pipeline'),
    'out': put_off,
    'retry': lambda: work(retry.RetryRunner('retry')),
    'out again': lambda: work(outgoing.OutgoingRunner('out')),
}


def received(keeper: Keeper) -> list[str]:
    return sorted(one for _from, to, _data in keeper.sent for one in to)


@pytest.mark.parametrize('place', STEPS)
@pytest.mark.parametrize('switch', [adopt, release])
def test_a_post_is_delivered_once_by_whichever_rules(
    talk: str, keeper: Keeper, switch: Any, place: str
) -> None:
    if switch is release:
        adopt(talk)
    send(talk)
    for name, step in STEPS.items():
        if name == place:
            switch(talk)
        step()
    assert received(keeper) == sorted((ANN, BOB, OWNER))
    for _from, _to, data in keeper.sent:
        assert f'{TEXT} Number 1.'.encode() in data
        if switch is adopt:
            assert OWNER.encode() not in data and b'Olga' not in data
            assert b'List-Unsubscribe-Post:' in data
    assert not queued('shunt')


def test_the_archive_has_what_members_get(
    talk: str, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    archived: list[Any] = []

    def dispose(self: Any, mlist: Any, msg: Any, msgdata: Any) -> None:
        archived.append(msg)

    monkeypatch.setattr(stock_archive.ArchiveRunner, '_dispose', dispose)
    send(talk)
    run('in', 'pipeline')
    adopt(talk)
    work(archive.ArchiveRunner('archive'))
    work(outgoing.OutgoingRunner('out'))
    [kept] = archived
    assert OWNER not in kept.as_string() and 'r1@' not in kept.as_string()
    assert keeper.of(ANN)['message-id'] == kept['message-id']


def test_a_sender_whom_mailman_hid_behind_the_list_stays_hidden(
    talk: str, keeper: Keeper
) -> None:
    send(talk)
    run('in', 'pipeline')
    [(msg, msgdata)] = queued('out')
    empty('out')
    # As Mailman does for domains with a DMARC policy.
    del msg['from']
    msg['From'] = 'Olga Owner via Talk <talk@lists.example.gov>'
    msg['Reply-To'] = OWNER
    config.switchboards['out'].enqueue(msg, msgdata)
    adopt(talk)
    work(outgoing.OutgoingRunner('out'))
    assert received(keeper) == sorted((ANN, BOB, OWNER))
    assert all(OWNER.encode() not in data for *_rest, data in keeper.sent)


# ------------------------------------------------------------------------- digests


def numbers(texts: list[Any]) -> list[int]:
    """Which posts are in what waits for a digest."""
    return [int(str(msg['subject']).rpartition(' ')[2]) for msg in texts]


def in_file(list_id: str) -> list[int]:
    path = Path(again(list_id).data_path, digests.FILE)
    return numbers(list(mailbox.MMDF(path, create=False))) if path.exists() else []


def deliver(list_id: str, number: int) -> None:
    send(list_id, number)
    run('in', 'pipeline')
    empty('out', 'archive')


@pytest.fixture
def reader(talk: str) -> str:
    member_of(again(talk), BOB).preferences.delivery_mode = DeliveryMode.mime_digests
    config.db.commit()
    return BOB


def test_a_half_collected_digest_goes_on(talk: str, reader: str) -> None:
    deliver(talk, 1)
    adopt(talk)
    deliver(talk, 2)
    assert (in_file(talk), numbers(digested(again(talk)))) == ([1], [2])
    digests.send_now(again(talk), force=True)
    work(digest.DigestRunner('digest'))
    [(made, msgdata)] = queued('virgin')
    assert msgdata['recipients'] == {reader}
    text = made.as_string()
    assert text.index('Number 1.') < text.index('Number 2.')
    assert OWNER not in text and 'Olga' not in text
    assert not in_file(talk) and not digested(again(talk))


def test_and_back(talk: str, reader: str) -> None:
    deliver(talk, 1)
    adopt(talk)
    for number in (2, 3):
        deliver(talk, number)
    release(talk)
    deliver(talk, 4)
    assert (in_file(talk), digested(again(talk))) == ([1, 2, 3, 4], [])
    stock_digest(again(talk), force=True)
    work(digest.DigestRunner('digest'))
    [(made, _msgdata)] = queued('virgin')
    assert [f'Number {one}.' in made.as_string() for one in (1, 2, 3, 4)] == [True] * 4


def test_a_digest_that_was_ordered_before_is_masked(talk: str, reader: str) -> None:
    deliver(talk, 1)
    number = again(talk).next_digest_number
    stock_digest(again(talk), force=True)
    config.db.commit()
    adopt(talk)
    work(digest.DigestRunner('digest'))
    [(made, _msgdata)] = queued('virgin')
    assert 'Number 1.' in made.as_string() and OWNER not in made.as_string()
    assert again(talk).next_digest_number == number + 1


def killed_at(monkeypatch: pytest.MonkeyPatch, name: str, work: Any) -> None:
    """Do something in a process that is killed where it would do one thing."""

    def kill() -> None:
        monkeypatch.setattr(name, lambda *_rest, **_kws: os._exit(KILLED))
        work()

    assert in_a_process(kill) == KILLED


def make_digest(list_id: str) -> list[int]:
    """Have a digest made; the posts in it."""
    digests.send_now(again(list_id), force=True)
    config.db.commit()
    work(digest.DigestRunner('digest'))
    [(made, _msgdata)] = queued('virgin')
    return numbers([part for part in made.walk() if 'Report' in str(part['subject'])])


def test_a_kill_before_the_file_goes_doubles_nothing(
    talk: str, reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(talk, 1)
    adopt(talk)
    deliver(talk, 2)
    killed_at(monkeypatch, 'pathlib.Path.unlink', lambda: make_digest(talk))
    assert (in_file(talk), numbers(digested(again(talk)))) == ([1], [1, 2])
    empty('digest')
    assert make_digest(talk) == [1, 2]
    assert not in_file(talk)


def test_a_kill_before_the_commit_doubles_nothing(
    talk: str, reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    adopt(talk)
    for number in (1, 2):
        deliver(talk, number)
    commit = 'qnet_mailman.lists.adopting.config.db.commit'
    killed_at(monkeypatch, commit, lambda: release(talk))
    assert (in_file(talk), numbers(digested(again(talk)))) == ([1, 2], [1, 2])
    assert make_digest(talk) == [1, 2]


def test_what_cannot_be_masked_is_not_delivered(talk: str, keeper: Keeper) -> None:
    send(talk)
    run('in', 'pipeline')
    [(msg, msgdata)] = queued('out')
    empty('out')
    msg['Content-Type'] = 'multipart/encrypted; protocol="x"; boundary=B'
    config.switchboards['out'].enqueue(msg, msgdata)
    adopt(talk)
    work(outgoing.OutgoingRunner('out'))
    assert not keeper.sent and not queued('shunt')
    [(notice, _msgdata)] = queued('virgin')
    assert notice['to'] == OWNER and 'That is not possible' in notice.as_string()


def test_a_held_post_is_masked_when_it_is_released(talk: str, keeper: Keeper) -> None:
    mlist = again(talk)
    mlist.default_member_action = Action.hold
    config.db.commit()
    send(talk)
    run('in')
    adopt(talk)
    [held] = IListRequests(again(talk)).held_requests
    handle_message(again(talk), held.id, Action.accept)
    config.db.commit()
    run('pipeline')
    work(outgoing.OutgoingRunner('out'))
    assert received(keeper) == sorted((ANN, BOB, OWNER))
    assert all(OWNER.encode() not in data for *_rest, data in keeper.sent)
