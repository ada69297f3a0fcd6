# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports that real servers wrote, and the names of hosts in any report (R16)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.bounces.reading.addresses import without_hosts
from qnet_mailman.bounces.reading.classify import Kind, Reason, Verdict, classify
from tests.bounces.composing import exim, qmail
from tests.bounces.test_classify_kinds import ROWS
from tests.bounces.test_classify_reports import REPORTS

Servers = dict[str, tuple[str, bytes]]

LABELS = re.findall(
    r'\S+',
    """
    relay1 spamfilter policy dkim dmarc spf mimecast mailbox-full quota over-quota
    bounce bounces postmaster mailer-daemon undeliverable unknown nouser nxdomain
    blocked blacklist greylist delay delayed retry timeout refused expired full
    disabled suspended deactivated moved abuse support virus spam content 550 mx5.1.1
    too-large vacation autoreply unsubscribe digest confirm challenge temporarily
    """,
)

#: Hosts of mail systems in the reports, before a domain of two labels and more.
_HOST = re.compile(
    rb'\b(?:mx|mx\d+|mail|smtp|mta|relay|relay\d+|gw)\.(?=[a-z0-9-]+\.)', re.IGNORECASE
)


def meant(verdict: Verdict) -> object:
    """What a verdict says, but for addresses (their hosts are renamed as well)."""
    failures = [(one.kind, one.reason, one.status) for one in verdict.failures]
    return verdict.kind, verdict.reason, failures


def renamed(report: bytes, label: str) -> bytes:
    return _HOST.sub(label.encode() + b'.', report)


def test_171_of_177_are_right(servers: Servers) -> None:
    wrong = [
        name
        for name, (kind, report) in servers.items()
        if classify(report).kind.value not in kind.split('/')
    ]
    # What says nothing that tells: two of Courier's and one of nullmailer's are empty.
    assert len(wrong) <= 4, wrong


def test_there_are_forty_labels() -> None:
    assert len(set(LABELS)) >= 40


#: Those that name hosts in letters (others are in base64).
NAMING = [row[1] for row in REPORTS if renamed(row[1], 'relay1') != row[1]]


def test_there_are_reports_that_name_hosts() -> None:
    assert len(NAMING) > 50


@given(st.sampled_from(NAMING), st.sampled_from(LABELS))
def test_the_name_of_a_host_decides_nothing(report: bytes, label: str) -> None:
    assert meant(classify(renamed(report, label))) == meant(classify(report))


@given(st.sampled_from(ROWS), st.sampled_from([exim, qmail]), st.sampled_from(LABELS))
def test_the_name_of_a_host_beside_a_reply_decides_nothing(
    row: tuple[str, Kind, Reason], system: Callable[[str], bytes], label: str
) -> None:
    def report(host: str) -> bytes:
        return system(f'host {host}.example.gov said: {row[0]} ({host}.example.net)')

    assert meant(classify(report(label))) == meant(classify(report('mx')))


def test_the_names_of_real_hosts_decide_nothing(
    servers: Servers, samples: list[bytes]
) -> None:
    reports = [report for _kind, report in servers.values()] + samples
    for number, report in enumerate(reports):
        # Each report with one of the labels; all with all take half a minute.
        label = LABELS[number % len(LABELS)]
        assert meant(classify(renamed(report, label))) == meant(classify(report)), label


@pytest.mark.parametrize(
    'text, left',
    [
        ('host policy.example.net said', 'host said'),
        ('at MX.EXAMPLE.NET: no', 'at : no'),
        (
            'RESOLVER.ADR.RecipNotFound; not found',
            'RESOLVER.ADR.RecipNotFound; not found',
        ),
        ('QUEUE.Expired; expired', 'QUEUE.Expired; expired'),
        ('mailbox is full.please try', 'mailbox is full.please try'),
        ('no such user.Try again', 'no such user.Try again'),
        ('from 192.0.2.1 with 5.1.1', 'from 192.0.2.1 with 5.1.1'),
    ],
)
def test_what_is_the_name_of_a_host(text: str, left: str) -> None:
    assert ' '.join(without_hosts(text).split()) == left
