# SPDX-License-Identifier: GPL-3.0-or-later
"""When flufl.bounce is asked, and what it is still asked for."""

from __future__ import annotations

from typing import Any

import pytest

from qnet_mailman.bounces.reading import old_formats
from qnet_mailman.bounces.reading.old_formats import find_old
from qnet_mailman.mail.parts import Report, take_apart
from tests.helpers import message

TEXT = (
    'From: {sender}\nSubject: Undeliverable mail\n\n'
    'Your mail to the following recipients could not be delivered:\n\n{named}\n'
)


def report(named: str, sender: str = 'MAILER-DAEMON@example.net') -> Report:
    return take_apart(message(TEXT.format(sender=sender, named=named)))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []

    def all_failures(msg: Any) -> tuple[set[bytes], set[bytes]]:
        found.append(msg)
        return set(), {b'reader@example.org'}

    monkeypatch.setattr(old_formats, 'all_failures', all_failures)
    return found


def test_a_name_without_its_domain_is_found() -> None:
    one = report('screenname', 'MAILER-DAEMON@aol.com')
    assert find_old(one, one.texts[0], set()) == ['screenname@aol.com']


@pytest.mark.parametrize(
    'named, known',
    [
        ('reader@example.org', ''),
        ('<reader@example.org> and other@example.org', 'other@example.org'),
        # What is in the way of reading an address may not be in the way of flufl's.
        ('SMTP=reader@example.org@example.net; on Monday', 'reader@example.org'),
    ],
)
def test_who_is_not_known_is_asked_for(
    asked: list[Any], named: str, known: str
) -> None:
    one = report(named)
    found = find_old(one, one.texts[0], {known} if known else set())
    assert found == ['reader@example.org']
    assert len(asked) == 1


@pytest.mark.parametrize('named', ['READER@example.org: no such user', 'nobody'])
def test_where_all_are_known_nothing_new_can_be_found(
    asked: list[Any], named: str
) -> None:
    one = report(named)
    assert find_old(one, one.texts[0], {'reader@example.org'}) == []
    assert asked == []
