# SPDX-License-Identifier: GPL-3.0-or-later
"""DMARC policies of authors' domains: how often one asks, and who waits (RFC 9989)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import dns.name
import dns.rdatatype
import dns.resolver
import dns.rrset
import pytest
from mailman.config import config
from mailman.interfaces.mailinglist import DMARCMitigateAction

from qnet_mailman.demo.ports import HOST
from qnet_mailman.demo.processes import wait_until
from qnet_mailman.model.lists import set_mask
from qnet_mailman.posting import dmarc
from qnet_mailman.queues import handover
from qnet_mailman.runners import incoming, pipeline
from qnet_mailman.values import Mask
from tests.helpers import message, post, queued
from tests.name_server import name_server

ADMIN = 'pat@agency.example.gov'
MEMBER = 'lee@strict.example.org'
SLOW = 'kim@slow.example.org'
RAW = (
    'From: {sender}\r\nTo: {to}\r\nSubject: News\r\nMessage-ID: <{id}@x.test>\r\n'
    '\r\nNews.'
)
NONE, REJECT = 'v=DMARC1; p=none', 'v=DMARC1; p=reject'

REAL = dns.resolver.Resolver.resolve

pytestmark = pytest.mark.mlist(
    'discussion', administrators=[ADMIN], members=[MEMBER, SLOW], digests_enabled=False
)


def record(name: str, text: str, ttl: int = 300) -> dns.rrset.RRset:
    return dns.rrset.from_text(f'_dmarc.{name}.', ttl, 'IN', 'TXT', f'"{text}"')


class Asked:
    """The DNS: what it knows, what it was asked, and for what it keeps one waiting."""

    def __init__(self) -> None:
        self.known: list[dns.rrset.RRset] = []
        self.questions: list[str] = []
        self.answer = threading.Event()

    def resolve(
        self, resolver: Any, name: dns.name.Name, *args: Any, **kws: Any
    ) -> Any:
        self.questions.append(str(name).rstrip('.'))
        if 'slow' in str(name):
            self.answer.wait()
            raise dns.resolver.NoNameservers
        return REAL(resolver, name, *args, **kws)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    found = Asked()
    monkeypatch.setattr(dmarc, '_lookups', {})
    # Else a slow machine would have a post wait for an answer that is on its way.
    monkeypatch.setattr(dmarc, 'MOMENT', 600)
    with name_server(found.known) as port:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = [HOST]
        resolver.port = port
        resolver.cache = dns.resolver.LRUCache(10)
        monkeypatch.setattr(dmarc, 'resolver', lambda: resolver)
        monkeypatch.setattr(
            dns.resolver.Resolver,
            'resolve',
            lambda *args, **kws: found.resolve(*args, **kws),
        )
        yield found
        found.answer.set()


@pytest.mark.parametrize(
    ('domain', 'records', 'strict'),
    [
        ('a.example', {'a.example': REJECT}, True),
        ('a.example', {'a.example': 'v=DMARC1; p = Quarantine ;'}, True),
        ('a.example', {'a.example': f'{NONE}; sp=reject'}, False),
        ('a.example', {}, False),
        ('a.example', {'a.example': 'v=spf1 -all'}, False),
        # Its organization's.
        ('x.a.example', {'a.example': REJECT}, True),
        ('x.a.example', {'a.example': f'{REJECT}; sp=none'}, False),
        ('x.a.example', {'a.example': f'{NONE}; sp=reject'}, True),
        ('x.a.example', {'x.a.example': NONE, 'a.example': REJECT}, False),
        ('y.x.a.example', {'x.a.example': NONE, 'a.example': REJECT}, True),
        (
            'y.x.a.example',
            {'x.a.example': f'{NONE}; psd=n', 'a.example': REJECT},
            False,
        ),
        # A registry's, and that of whom it has registered.
        ('x.a.example', {'example': f'{REJECT}; psd=y'}, True),
        ('x.a.example', {'a.example': NONE, 'example': f'{REJECT}; psd=y'}, False),
        ('a.b.c.d.e.f.g.h.i.example', {'i.example': REJECT}, True),
    ],
)
def test_policies(
    core: Any, names: Asked, domain: str, records: dict[str, str], strict: bool
) -> None:
    names.known += [record(*each) for each in records.items()]
    assert dmarc.is_strict(domain) is strict


def test_a_long_name_is_not_asked_for_label_by_label(core: Any, names: Asked) -> None:
    name = '.'.join('abcdefghijklmnopqrst')
    assert not dmarc.is_strict(f'{name}.example')
    assert len(names.questions) == 8
    assert names.questions[:2] == [
        f'_dmarc.{name}.example',
        '_dmarc.o.p.q.r.s.t.example',
    ]


@pytest.mark.parametrize(('ttl', 'asked'), [(300, 1), (0, 2)])
def test_answers_are_kept_as_long_as_they_say(
    core: Any, names: Asked, monkeypatch: pytest.MonkeyPatch, ttl: int, asked: int
) -> None:
    names.known.append(record('a.example', 'v=DMARC1; p=reject', ttl))
    wire: list[object] = []
    send = dns.resolver.Resolver._compute_timeout
    monkeypatch.setattr(
        dns.resolver.Resolver,
        '_compute_timeout',
        lambda *args: (wire.append(1), send(*args))[1],
    )
    assert dmarc.is_strict('a.example') and dmarc.is_strict('a.example')
    assert len(wire) == asked


# ------------------------------------------------------------------- on the way


def work(mlist: Any, *senders: str) -> tuple[Any, Any]:
    """Posts through `in`; the runner of the next queue."""
    for number, sender in enumerate(senders):
        raw = RAW.format(sender=sender, to=mlist.fqdn_listname, id=number)
        post(mlist, message(raw))
    incoming.IncomingRunner('in')._one_iteration()
    return pipeline.PipelineRunner('pipeline'), config.switchboards['pipeline']


def test_who_is_masked_is_not_asked_about(
    mlist: Any, configure: Any, names: Asked
) -> None:
    configure(poster_authentication='off')
    set_mask(mlist, Mask.everyone)
    runner, _ = work(mlist, MEMBER)
    assert runner._one_iteration() == 1
    set_mask(mlist, Mask.administrators)
    runner, _ = work(mlist, ADMIN)
    assert runner._one_iteration() == 1
    assert len(queued('out')) == 2 and not names.questions


def test_from_is_written_anew_where_others_would_refuse_it(
    mlist: Any, names: Asked
) -> None:
    names.known.append(record('strict.example.org', 'v=DMARC1; p=reject'))
    runner, _ = work(mlist, MEMBER)
    # Nobody has to know of a post that may yet be held.
    assert not names.questions
    runner._one_iteration()
    ((msg, _),) = queued('out')
    assert mlist.posting_address in msg['from'] and MEMBER in msg['reply-to']


def test_one_slow_name_stops_no_post_behind_it(
    mlist: Any, names: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dmarc, 'DEADLINE', 600)
    monkeypatch.setattr(dmarc, '_patience', lambda: 600)
    monkeypatch.setattr(handover, 'PUT_OFF', 0)
    runner, board = work(mlist, SLOW, SLOW, MEMBER)
    dmarc.MOMENT = 0
    wait_until(
        lambda: runner._one_iteration() and len(board.files) == 2, 60, 'the post behind'
    )
    ((msg, _),) = queued('out')
    assert MEMBER in msg['from']
    names.answer.set()
    wait_until(lambda: runner._one_iteration() == 0, 60, 'the others')
    assert len(queued('out')) == 3
    # One question for both, whose From is another one, as nobody said that it need not.
    assert names.questions.count('_dmarc.slow.example.org') == 1
    assert [mlist.posting_address in msg['from'] for msg, _ in queued('out')].count(
        True
    ) == 2
    assert not queued('shunt') and not queued('bad')


def test_nobody_waits_for_longer_than_the_deadline(
    mlist: Any, names: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dmarc, 'MOMENT', 0)
    monkeypatch.setattr(dmarc, '_patience', lambda: 0)
    runner, board = work(mlist, SLOW, SLOW)
    assert runner._one_iteration() == 2
    assert not board.files
    # What was not answered is remembered.
    assert names.questions.count('_dmarc.slow.example.org') <= 1


def test_a_list_that_refuses_asks_before_it_decides(mlist: Any, names: Asked) -> None:
    names.known.append(record('strict.example.org', 'v=DMARC1; p=reject'))
    mlist.dmarc_mitigate_action = DMARCMitigateAction.discard
    _, board = work(mlist, MEMBER)
    assert names.questions == ['_dmarc.strict.example.org'] and not board.files


def test_addresses_that_the_list_names_need_no_question(
    mlist: Any, names: Asked
) -> None:
    mlist.dmarc_addresses = [MEMBER, '^kim@']
    assert dmarc.is_mitigated(mlist, MEMBER.upper())
    assert dmarc.is_mitigated(mlist, SLOW)
    assert not names.questions and not dmarc.is_mitigated(mlist, 'nobody')


def test_what_is_put_off_is_still_there(core: Any, mlist: Any) -> None:
    post(mlist, message(RAW.format(sender=MEMBER, to='x', id=1)))
    inbox = incoming.IncomingRunner('in').switchboard
    (name,) = inbox.files
    inbox.dequeue(name)
    inbox.put_off()
    inbox.finish(name)
    assert not inbox.files
    assert config.switchboards['in'].files == [name]
