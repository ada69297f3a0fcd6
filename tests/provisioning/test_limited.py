# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in a child process, which ends at its limits and leaves nothing behind (R32)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.forms import kept, limited
from qnet_mailman.forms.limited import Budget, Ending, Send
from qnet_mailman.forms.mistakes import Document, FormError, FormInvalid
from qnet_mailman.settings import MEBIBYTE
from tests.provisioning.samples import form

SMALL = Budget(0.3, 50 * MEBIBYTE)


def test_values_are_handed_over() -> None:
    values = [1, 'two', {'three': [3.0, None]}, b'x' * 1_000_000]

    def work(send: Send) -> None:
        for each in values:
            send(each)

    outcome = limited.run(work, SMALL)
    assert (list(outcome.values), outcome.ending) == (values, Ending.done)


def test_what_takes_long_is_ended_and_what_was_found_stays() -> None:
    def work(send: Send) -> None:
        send('found')
        while True:
            pass

    outcome = limited.run(work, SMALL)
    assert (outcome.values, outcome.ending) == (('found',), Ending.time)
    # The kernel counts in ticks.
    assert outcome.cpu < SMALL.cpu + 0.2


def test_what_takes_long_within_c_is_ended_too() -> None:
    outcome = limited.run(lambda send: send(3 ** (10**8)), SMALL)
    assert (outcome.values, outcome.ending) == ((), Ending.time)


MUCH = """
from qnet_mailman.forms import limited
from qnet_mailman.forms.limited import Budget
MEBIBYTE = 1024 * 1024

def work(send):
    send('found')
    kept_alive = [bytearray(MEBIBYTE) for _ in range(1000)]
    send(len(kept_alive))

before = limited.run(lambda send: None, Budget(0.3, 50 * MEBIBYTE)).memory
outcome = limited.run(work, Budget(30, 50 * MEBIBYTE))
print(outcome.values, outcome.ending, (outcome.memory - before) // MEBIBYTE)
"""


def test_what_takes_much_memory_is_ended() -> None:
    # Not within this process: it has memory to spare that it has given back to nobody,
    # and which the child may use before it asks for more.
    done = subprocess.run(
        [sys.executable, '-c', MUCH], capture_output=True, text=True, check=True
    )
    found, memory = done.stdout.rsplit(maxsplit=1)
    assert found == "('found',) memory"
    assert int(memory) < 50


def test_an_answer_without_end_is_not_gathered() -> None:
    def work(send: Send) -> None:
        while True:
            send(b'x' * MEBIBYTE)

    assert limited.run(work, Budget(30, 50 * MEBIBYTE)).ending is Ending.time


def test_what_raises_has_failed() -> None:
    def work(send: Send) -> None:
        send(1)
        raise ZeroDivisionError

    outcome = limited.run(work, SMALL)
    assert (outcome.values, outcome.ending) == ((1,), Ending.failed)


def test_what_ends_at_once_has_failed() -> None:
    def work(send: Send) -> None:
        # Whoever runs the tests in the background has it ignored.
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGQUIT)

    assert limited.run(work, SMALL).ending is Ending.failed


class Stopped(Exception):
    """What Mailman's runners raise in their handlers of signals."""


@pytest.fixture
def handlers() -> Iterator[None]:
    """As a runner has them."""

    def stop(number: int, frame: Any) -> None:
        raise Stopped

    signals = (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)
    before = {each: signal.signal(each, stop) for each in signals}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


def test_within_a_runner(handlers: None, tmp_path: Path) -> None:
    def work(send: Send) -> None:
        send([signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)])
        os.kill(os.getpid(), signal.SIGTERM)

    outcome = limited.run(work, SMALL)
    assert outcome.values == ([signal.SIG_DFL, signal.SIG_DFL],)
    assert outcome.ending is Ending.failed
    note = tmp_path / 'child'

    def stops_the_runner(send: Send) -> None:
        note.write_text(str(os.getpid()))
        os.kill(os.getppid(), signal.SIGUSR1)
        while True:
            pass

    with pytest.raises(Stopped):
        limited.run(stops_the_runner, Budget(60, 50 * MEBIBYTE))
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


@pytest.mark.skipif(os.geteuid() != 0, reason='is run as an ordinary user already')
def test_as_an_ordinary_user() -> None:
    def work(send: Send) -> None:
        os.setgid(65534)
        os.setuid(65534)

        def grow(send: Send) -> None:
            send(os.getuid())
            send(len(bytearray(500 * MEBIBYTE)))

        outcome = limited.run(grow, SMALL)
        send((outcome.values, outcome.ending.value))

    outcome = limited.run(work, Budget(30, 1000 * MEBIBYTE))
    assert outcome.values == (((65534,), 'memory'),)


def test_nothing_is_left_open() -> None:
    def count() -> int:
        return len(os.listdir('/proc/self/fd'))

    before = count()
    for ending in (lambda send: None, lambda send: send(3 ** (10**8))):
        limited.run(ending, SMALL)
    assert count() == before


# ------------------------------------------------------------------ as text

PATHS = st.lists(st.text(max_size=9) | st.integers(0, 999), max_size=3).map(tuple)


@given(st.dictionaries(PATHS, st.integers()), st.dictionaries(PATHS, st.text()))
def test_a_form_is_the_same_again(lines: Any, places: Any) -> None:
    loaded = kept.Loaded(form(), Document({}, lines, places, 'people.csv', [2, 3]))
    again = kept.from_text(kept.as_text(loaded))
    assert again == loaded


@given(st.text(), st.integers() | st.none(), st.text(), st.text())
def test_mistakes_are_the_same_again(
    field: str, line: int | None, message: str, place: str
) -> None:
    errors = [FormError(field, line, message, place)]
    again = kept.from_text(kept.as_text(FormInvalid(errors)))
    assert isinstance(again, FormInvalid) and again.errors == errors
