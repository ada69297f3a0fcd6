# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's bounce reports are read as what they say they are."""

from __future__ import annotations

import pytest

from qnet_mailman.bounces.reading.classify import classify
from qnet_mailman.bounces.reading.verdict import Kind, Reason
from qnet_mailman.demo.reports import MAILBOX_FULL, USER_UNKNOWN, Failure, report


@pytest.mark.parametrize(
    ('failure', 'kind', 'reason'),
    [
        (MAILBOX_FULL, Kind.soft, Reason.mailbox_full),
        (USER_UNKNOWN, Kind.hard, Reason.address_unknown),
    ],
    ids=['mailbox full', 'user unknown'],
)
def test_a_report_says_why(failure: Failure, kind: Kind, reason: Reason) -> None:
    data = report(
        failure,
        'lee@example.org',
        'news-bounces+lee=example.org@lists.example.gov',
        'The deadline has moved',
    )
    (found,) = classify(data).failures
    assert (found.address, found.kind, found.reason) == (
        'lee@example.org',
        kind,
        reason,
    )
    assert b'\n' not in data.replace(b'\r\n', b'')
