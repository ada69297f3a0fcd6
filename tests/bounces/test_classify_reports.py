# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole reports of our own invention: format x wording x language x code (R16).

None of them comes from a corpus.  Each is as short as its format allows: what decides,
where it stands, and a returned message that must not decide.
"""

from __future__ import annotations

import pytest

from qnet_mailman.bounces.reading.classify import Kind, Reason, classify
from tests.bounces.composing import (
    FULL,
    HARD,
    OTHER,
    SOFT,
    UNDETERMINED,
    UNKNOWN,
    WHO,
    dsn,
    fields,
    multipart,
    plain,
)
from tests.bounces.people_reports import FOR_PEOPLE
from tests.bounces.server_reports import RELAYS, SERVERS

REPORTS = [*SERVERS, *FOR_PEOPLE, *RELAYS]


@pytest.mark.parametrize(
    'data, kind, reason',
    [pytest.param(*row[1:], id=row[0]) for row in REPORTS],
)
def test_report(data: bytes, kind: Kind, reason: Reason) -> None:
    verdict = classify(data)
    assert [(one.address, one.kind, one.reason) for one in verdict.failures] == [
        (WHO, kind, reason)
    ]
    assert (verdict.kind, verdict.reason) == (kind, reason)
    assert '\n' not in verdict.evidence
    assert len(verdict.evidence) <= 200


def test_there_are_enough_of_them() -> None:
    assert len(REPORTS) >= 80


def test_different_fates_in_one_report() -> None:
    verdict = classify(
        dsn(
            fields('5.1.1', '550 no such user'),
            fields('5.2.2', '552 full', OTHER),
            fields('4.2.2', '450 full', 'third@example.org', 'delayed'),
            fields('2.1.5', '250 ok', 'fourth@example.org', 'relayed'),
        )
    )
    assert [(one.address, one.kind) for one in verdict.failures] == [
        (WHO, HARD),
        (OTHER, SOFT),
    ]
    assert verdict.kind is HARD


def test_different_fates_in_a_text() -> None:
    verdict = classify(
        plain(
            "I'm afraid I wasn't able to deliver your message to the following "
            f'addresses.\n\n<{WHO}>:\nuser unknown\n\n<{OTHER}>:\nmailbox is full\n',
            'failure notice',
        )
    )
    assert [(one.address, one.reason) for one in verdict.failures] == [
        (WHO, UNKNOWN),
        (OTHER, FULL),
    ]


def test_addresses_below_each_other_share_the_reason() -> None:
    verdict = classify(
        plain(
            'Delivery to the following recipients failed.\n\n'
            f'       {WHO}\n       {OTHER}\n\nTheir mailboxes: mailbox is full\n',
            'Delivery Status Notification (Failure)',
        )
    )
    assert [one.reason for one in verdict.failures] == [FULL, FULL]


def test_the_address_that_we_sent_to_comes_first() -> None:
    verdict = classify(
        dsn(
            f'Original-Recipient: rfc822;{WHO}\n'
            'Final-Recipient: rfc822;reader@internal.example.gov\n'
            'Action: failed\nStatus: 5.1.1'
        )
    )
    (failure,) = verdict.failures
    assert failure.address == WHO
    assert failure.aliases == ('reader@internal.example.gov',)


def test_a_second_text_is_the_returned_one() -> None:
    data = multipart(
        'delivery-status',
        'Sorry',
        ('text/plain', 'This message could not be delivered.'),
        ('message/delivery-status', f'Reporting-MTA: dns; x\n\n{fields("5.0.0")}'),
        ('text/plain', 'My mailbox is full. bystander@example.com: user unknown'),
    )
    (failure,) = classify(data).failures
    assert (failure.address, failure.reason) == (WHO, UNDETERMINED)


def test_codes_are_kept() -> None:
    verdict = classify(dsn(fields('5.0.0', '550-5.7.26 DMARC 550 5.7.26 no')))
    (failure,) = verdict.failures
    assert (failure.status, failure.reply_code) == ('5.7.26', '550')
    assert failure.reason.refuses_the_list


@pytest.mark.parametrize(
    'wrap',
    [
        lambda text: 'Begin forwarded message:\n\n' + text,
        lambda text: '\n'.join('> ' + line for line in text.splitlines()),
        lambda text: '\n'.join('>> ' + line for line in text.splitlines()),
        lambda text: (
            text.replace('=', '=3D').replace('Status', 'Sta=\ntus') + '\nlong=\n line'
        ),
        lambda text: text.replace('\n\n', '\n'),
    ],
    ids=['forwarded', 'quoted', 'quoted twice', 'quoted-printable', 'no blank lines'],
)
def test_fields_in_the_wrong_place(wrap) -> None:  # type: ignore[no-untyped-def]
    text = (
        'Your message could not be delivered.\n\nReporting-MTA: dns; mx.example.net\n\n'
        f'{fields("5.1.1", "550 no such user")}\n\n{fields("5.2.2", "full", OTHER)}\n'
    )
    verdict = classify(plain(wrap(text), 'Fwd: Undelivered Mail', 'admin@example.org'))
    assert [(one.address, one.kind) for one in verdict.failures] == [
        (WHO, HARD),
        (OTHER, SOFT),
    ]


def test_boundaries_that_do_not_fit() -> None:
    data = dsn(fields('5.1.1', '550 no such user'))
    start = data.index(b'boundary="') + 10
    damaged = data[:start] + b'wrong' + data[start:]
    assert [one.address for one in classify(damaged).failures] == [WHO]


def test_a_pipe_is_named_by_x_failed_recipients() -> None:
    data = dsn(fields('5.0.0', address='|/usr/bin/deliver reader@example.org'))
    data = b'X-Failed-Recipients: ' + WHO.encode() + b'\n' + data
    assert [one.address for one in classify(data).failures] == [WHO]


def test_dovecot_reports_a_full_mailbox_as_a_disposition() -> None:
    data = multipart(
        'disposition-notification',
        'Rejected: News',
        (
            'text/plain',
            f'Your message to <{WHO}> was automatically rejected:\nQuota exceeded',
        ),
        (
            'message/disposition-notification',
            f'Final-Recipient: rfc822; {WHO}\n'
            'Disposition: automatic-action/MDN-sent-automatically; deleted',
        ),
    )
    (failure,) = classify(data).failures
    assert (failure.address, failure.kind, failure.reason) == (WHO, SOFT, FULL)


# ------------------------------------------------------------------ our VERP address


def test_verp_says_who_bounced() -> None:
    data = dsn(fields('5.1.1', '550 no such user', 'reader@internal.example.gov'))
    (failure,) = classify(data, verp_address=WHO).failures
    assert failure.address == WHO
    assert failure.aliases == ('reader@internal.example.gov',)
    assert failure.kind is HARD


def test_verp_takes_the_fate_of_its_own_address() -> None:
    data = dsn(
        fields('5.1.1', '550 no such user', OTHER), fields('5.2.2', '552 full', WHO)
    )
    (failure,) = classify(data, verp_address=WHO.upper()).failures
    assert failure.kind is SOFT


def test_a_forged_report_cannot_name_somebody_else() -> None:
    data = dsn(fields('5.1.1', '550 no such user', OTHER))
    assert OTHER not in [
        one.address for one in classify(data, verp_address=WHO).failures
    ]


def test_verp_does_not_make_a_bounce() -> None:
    data = plain('I am away until Monday.', 'Out of office', 'Reader <r@example.org>')
    verdict = classify(data, verp_address=WHO)
    assert (verdict.kind, verdict.failures) == (Kind.none, ())


def test_verp_names_the_address_of_a_report_that_names_none() -> None:
    data = plain('Your message could not be delivered.', 'Undeliverable mail')
    (failure,) = classify(data, verp_address=WHO).failures
    assert (failure.address, failure.kind) == (WHO, HARD)
