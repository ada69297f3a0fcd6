# SPDX-License-Identifier: GPL-3.0-or-later
"""The attack: a post that is small and keeps every stage busy (RFC 5322 section 2.2.3).

What is counted is the same on every machine: calls of functions, and the characters
that Python is given to encode for a header.  Four times the input is to cost no more
than twice of what twice the input did, beyond what any post costs.
"""

from __future__ import annotations

import base64
import email.charset
import sys
from collections.abc import Callable
from typing import Any

import pytest

from qnet_mailman.mail import intake
from qnet_mailman.model.lists import set_mask
from qnet_mailman.mta.copies import Copies
from qnet_mailman.runners.incoming import IncomingRunner
from qnet_mailman.runners.lmtp import TOO_MANY
from qnet_mailman.runners.pipeline import PipelineRunner
from qnet_mailman.values import Mask
from tests.attacks.lmtp_server import Deliver, deliver
from tests.helpers import empty, message, post, queued

MEMBER = 'lee@example.org'
GROWTH = 2.3
"""Two, and what is looked at in steps."""

pytestmark = pytest.mark.mlist(
    'discussion',
    members=[MEMBER],
    subject_prefix='[news] ',
    digests_enabled=True,
    max_num_recipients=0,
)


__all__ = ['deliver']


def words(count: int) -> str:
    """A subject in encoded words of 20 characters."""
    word = base64.b64encode(('é' * 20).encode()).decode()
    return '\n '.join([f'=?utf-8?b?{word}?='] * (count // 20))


def parts(count: int) -> str:
    return (
        'Content-Type: multipart/mixed; boundary=b\n\n' + '--b\n\n\n' * count + '--b--'
    )


def pictures(count: int) -> str:
    """A page, and what it shows."""
    names = [f'{number}@agency.example.gov' for number in range(count)]
    page = ''.join(f'<img src="cid:{name}">' for name in names)
    images = ''.join(f'--b\nContent-ID: <{name}>\n\nx\n' for name in names)
    return (
        'Content-Type: multipart/related; boundary=b\n\n'
        f'--b\nContent-Type: text/html\n\n{page}\n{images}--b--'
    )


KINDS: dict[str, tuple[int, Callable[[int], str]]] = {
    'raw subject': (400, lambda n: f'Subject: {"é" * n}'),
    'encoded subject': (800, lambda n: f'Subject: {words(n)}'),
    'long subject': (2000, lambda n: f'Subject: {"word " * n}'),
    'answers': (500, lambda n: f'Subject: {"Re: " * n}'),
    'mixed words': (100, lambda n: f'Subject: {"=?iso-8859-1?q?=E9?= a " * n}'),
    'fields': (100, lambda n: '\n'.join(f'X-F{i}: b' for i in range(n))),
    'raw fields': (100, lambda n: '\n'.join(f'X-F{i}: é' for i in range(n))),
    'list fields': (100, lambda n: '\n'.join(f'List-F{i}: b' for i in range(n))),
    'recipients': (100, lambda n: 'Cc: ' + ', '.join(f'a{i}@b.test' for i in range(n))),
    'raw recipients': (100, lambda n: 'Cc: ' + ', '.join(['é <a@b.test>'] * n)),
    'raw reply-to': (400, lambda n: f'Reply-To: {"é" * n}'),
    'references': (100, lambda n: 'References: ' + ' '.join(['<a@b.test>'] * n)),
    'parameters': (
        300,
        lambda n: 'Content-Type: text/plain' + ''.join(f';\n a{i}=b' for i in range(n)),
    ),
    'parts': (60, parts),
    'pictures': (30, pictures),
}


class Meter:
    """Counts calls, and characters that are encoded for a header."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        self.characters = 0
        encode = email.charset._encode  # type: ignore[attr-defined]

        def counted(text: str, codec: str) -> bytes:
            self.characters += len(text)
            return bytes(encode(text, codec))

        monkeypatch.setattr(email.charset, '_encode', counted)

    def measure(self, work: Callable[[], None]) -> tuple[int, int]:
        self.calls = self.characters = 0

        def count(_frame: Any, what: str, _argument: Any) -> None:
            self.calls += what in ('call', 'c_call')

        before = sys.getprofile()
        sys.setprofile(count)
        try:
            work()
        finally:
            sys.setprofile(before)
        return self.calls, self.characters


@pytest.mark.parametrize('kind', KINDS)
def test_every_stage_grows_as_the_post_does(
    mlist: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    set_mask(mlist, Mask.everyone if kind == 'pictures' else Mask.off)
    start, make = KINDS[kind]
    meter = Meter(monkeypatch)

    def cost(count: int) -> tuple[int, int]:
        empty('in', 'pipeline', 'out', 'archive')
        head = f'From: {MEMBER}\nTo: {mlist.fqdn_listname}\nMIME-Version: 1.0\n'
        subject = '' if 'Subject:' in make(1) else 'Subject: News\n'
        data = f'{head}{subject}{make(count)}\n\nHello.\n'.encode()

        def work() -> None:
            msg = message(data, MEMBER)
            assert not intake.has_too_many_parts(msg)
            post(mlist, msg)
            IncomingRunner('in')._one_iteration()
            PipelineRunner('pipeline')._one_iteration()
            ((out, msgdata),) = queued('out')
            Copies(mlist, out, msgdata).copy(None)

        return meter.measure(work)

    require_linear(cost, start)
    assert not queued('shunt')


def require_linear(cost: Callable[[int], tuple[int, int]], start: int) -> None:
    """Look what once, twice and four times the input costs, after a first run."""
    cost(start)
    once, twice, four_times = (cost(start * times) for times in (1, 2, 4))
    for one, two, four in zip(once, twice, four_times, strict=True):
        assert four - two <= GROWTH * max(two - one, 0) + one / 20, (one, two, four)


@pytest.mark.parametrize('kind', ['raw subject', 'encoded subject', 'raw fields'])
def test_so_does_holding_it(
    mlist: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    start, make = KINDS[kind]
    meter = Meter(monkeypatch)
    held: list[int] = []

    def cost(count: int) -> tuple[int, int]:
        empty('in', 'virgin')
        number = len(held)
        head = f'From: a{number}@stranger.test\nTo: {mlist.fqdn_listname}\n'
        head += f'Message-ID: <{number}@stranger.test>\n'
        data = f'{head}{make(count)}\n\nHello.\n'.encode()
        held.append(count)

        def work() -> None:
            post(mlist, message(data, f'a{number}@stranger.test'))
            IncomingRunner('in')._one_iteration()

        found = meter.measure(work)
        assert queued('virgin') and not queued('shunt')
        return found

    require_linear(cost, start)


def test_a_post_of_very_many_parts_is_refused_with_words(
    mlist: Any, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, 'MAX_PARTS', 20)
    head = f'From: {MEMBER}\nTo: {mlist.fqdn_listname}\nSubject: News\n'
    for count, taken in ((19, True), (20, False)):
        data = f'{head}{parts(count)}\n'.encode()
        reply = deliver(mlist.fqdn_listname, data, MEMBER).decode()
        assert (reply == '250 Ok') is taken, reply
    assert reply == TOO_MANY.format(most=20)
    assert len(queued('in')) == 1
