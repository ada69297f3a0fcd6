# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals that are nobody's fault, by whom they came from (R36)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailman.config import config
from mailman.interfaces.member import DeliveryStatus

from qnet_mailman.bounces import providers, refusals
from qnet_mailman.bounces.reading.classify import classify
from qnet_mailman.bounces.reading.provider import provider_of, refusing_host
from qnet_mailman.model.base import store
from qnet_mailman.runners.bounce import BounceRunner
from tests.bounces.composing import dsn, fields
from tests.bounces.reports import BLOCKED, UNKNOWN, received, report, rows
from tests.bounces.test_receiving import notices
from tests.clock import Clock
from tests.helpers import subscribe

BANNED = (
    '550 5.7.606 Access denied, banned sender [X{}.mail.protection.outlook.example]'
)


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    providers._counts.clear()


@pytest.fixture
def mlist(make_list: Any) -> Any:
    """40 members at 40 hospitals."""
    mlist = make_list()
    for number in range(40):
        subscribe(mlist, address(number))
    config.db.commit()
    return mlist


def address(number: int) -> str:
    return f'nurse@hospital{number}.example'


def bounce(mlist: Any, numbers: Any, said: str, host: str = '') -> None:
    runner = BounceRunner('bounces')
    for number in numbers:
        msg = report(
            mlist,
            address(number),
            said.format(number),
            serial=number,
            host=host.format(number),
        )
        runner._dispose(mlist, msg, received(msg))
    config.db.commit()


def disabled(mlist: Any) -> list[int]:
    store().expire_all()
    return [
        number
        for number in range(40)
        if mlist.members.get_member(address(number)).preferences.delivery_status
        is DeliveryStatus.by_bounces
    ]


@pytest.mark.parametrize('host', ['hospital{}.mail.protection.outlook.example', 'mx'])
def test_many_domains_behind_one_host(mlist: Any, clock: Clock, host: str) -> None:
    for _day in range(5):
        bounce(mlist, range(40), BANNED, host)
        clock.moment += timedelta(days=1)
    assert disabled(mlist) == []
    assert {row.state for row in rows()} == {'withheld'}
    assert {row.provider for row in rows()} == {'outlook.example'}
    assert [one.email for one in notices(event='refused')] == ['outlook.example']
    scores = {mlist.members.get_member(address(n)).bounce_score for n in range(40)}
    assert scores == {0}


def test_small_providers_that_are_many_together(mlist: Any, clock: Clock) -> None:
    for _day in range(5):
        # Of 40 copies, 8 are a fifth, and 10 members are needed.
        bounce(mlist, range(12), BLOCKED)
        clock.moment += timedelta(days=1)
    assert disabled(mlist) == []
    assert {row.state for row in rows()} == {'withheld'}
    assert len({row.provider for row in rows()}) == 12
    assert [one.email for one in notices(event='refused')] == ['several providers']


def test_few_small_providers_count(mlist: Any, clock: Clock) -> None:
    for _day in range(5):
        bounce(mlist, range(9), BLOCKED)
        clock.moment += timedelta(days=1)
    assert disabled(mlist) == list(range(9))


def test_what_was_scored_before_is_taken_back(mlist: Any, clock: Clock) -> None:
    for _day in range(4):
        bounce(mlist, [0], UNKNOWN)
        clock.moment += timedelta(days=1)
    bounce(mlist, [0], BLOCKED)
    assert disabled(mlist) == [0]
    bounce(mlist, range(1, 10), BLOCKED)
    assert disabled(mlist) == []
    # What became of it on that day is somebody's fault all the same.
    bounce(mlist, [0], UNKNOWN)
    assert disabled(mlist) == [0]


def test_a_day_without_points_has_its_place_free(mlist: Any, clock: Clock) -> None:
    bounce(mlist, range(12), BLOCKED)
    bounce(mlist, [3], UNKNOWN)
    bounce(mlist, [3], UNKNOWN)
    bounce(mlist, [3], BLOCKED)
    [row] = rows(email=address(3))
    assert (row.state, row.reason, row.half_points) == ('counted', 'address unknown', 2)
    assert mlist.members.get_member(address(3)).bounce_score == 1
    assert {one.state for one in rows() if one.id != row.id} == {'withheld'}


@pytest.mark.parametrize(
    'said',
    [
        '501 5.1.7 Invalid address',
        '553 5.1.0 Localpart too long',
        "550 5.1.90 you've reached your daily limit",
        '550 5.1.0 sender address unknown',
    ],
)
def test_a_refusal_of_the_sender_is_nobodys_fault(
    mlist: Any, clock: Clock, said: str
) -> None:
    for _day in range(5):
        bounce(mlist, [0, 0], said)
        clock.moment += timedelta(days=1)
    assert rows() == []
    assert [one.email for one in notices(event='sender')] == ['hospital0.example']
    # The day's place is free.
    bounce(mlist, [0], said)
    bounce(mlist, [0], UNKNOWN)
    assert [row.half_points for row in rows()] == [2]


def test_that_our_relay_takes_less_is_told_once(mlist: Any, clock: Clock) -> None:
    for _part in range(3):
        refusals.note_relay_takes_less(mlist, '552 5.3.4\n too big', now=clock.moment)
    [notice] = notices(event='relay')
    assert (notice.email, notice.evidence) == ('our mail server', '552 5.3.4 too big')


def test_a_list_that_our_own_hosts_refuse_is_refused_by_nobody_else() -> None:
    assert providers.provider('mx.a.example.gov', 'b.example', 'lists.example.gov') == (
        'b.example'
    )
    assert providers.provider('', 'b.example', 'lists.example.gov') == 'b.example'


@pytest.mark.parametrize(
    'said, remote, host',
    [
        ('550 5.7.1 no', 'dns; mx.example.net', 'mx.example.net'),
        (
            '550 5.7.1 no',
            'dns;mx.example.net (192.0.2.1, the server)',
            'mx.example.net',
        ),
        ('host MX.Example.NET[192.0.2.1] said: 550 no', '', 'mx.example.net'),
        ('host mx.example.net [192.0.2.1]: 550 no', '', 'mx.example.net'),
        ('while talking to mx.example.net.:', '', 'mx.example.net'),
        ('550 banned [A1.mail.outlook.example]', '', 'a1.mail.outlook.example'),
        ('550 [A1.outlook.example 2026-11-30T01:00Z]', '', 'a1.outlook.example'),
        ('550 5.7.1 client [192.0.2.1] blocked', 'dns; 192.0.2.1', ''),
        ('550 5.7.1 no', 'dns; localhost', ''),
        ('', '', ''),
    ],
)
def test_the_host_that_refused(said: str, remote: str, host: str) -> None:
    assert refusing_host(said, remote) == host


def test_a_report_names_the_host() -> None:
    recipient = fields('5.7.1', '550 no') + '\nRemote-MTA: dns; mx7.provider.example'
    [failure] = classify(dsn(recipient)).failures
    assert failure.host == 'mx7.provider.example'


@pytest.mark.parametrize(
    'host, provider',
    [
        ('x1.mail.protection.outlook.example', 'outlook.example'),
        ('mx.trust.example.co.uk', 'example.co.uk'),
        ('example.co.uk', 'example.co.uk'),
        ('mx.example.de', 'example.de'),
        ('a.nhs.uk', 'a.nhs.uk'),
        ('host', 'host'),
        ('', ''),
    ],
)
def test_whose_host_it_is(host: str, provider: str) -> None:
    assert provider_of(host) == provider


@given(st.text(max_size=200), st.text(max_size=60))
def test_any_text_names_a_host_or_none(said: str, remote: str) -> None:
    host = refusing_host(said, remote)
    assert len(provider_of(host)) <= len(host) <= 253
