# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a post is shown to come from its author's domain (R6)."""

from __future__ import annotations

import email

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.posting.authentication import shown_by

TRUSTED = ('mx.example.gov',)
AUTHOR = 'pat@agency.example.gov'


def shown(fields: str, author: str = AUTHOR) -> str | None:
    return shown_by(email.message_from_string(fields + '\n\n'), author, TRUSTED)


def results(value: str) -> str:
    return f'Authentication-Results: {value}'


@pytest.mark.parametrize(
    'value',
    [
        'mx.example.gov; dmarc=pass header.from=agency.example.gov',
        'mx.example.gov; dkim=pass header.d=agency.example.gov',
        'MX.Example.GOV; dkim=pass header.d=Agency.Example.GOV',
        'mx.example.gov 1; dkim=pass header.d=example.gov',
        'mx.example.gov; dkim=pass header.d=mail.example.gov',
        'mx.example.gov; dkim=pass header.i=@agency.example.gov',
        'mx.example.gov; dkim=fail header.d=x.org; dkim=pass header.d=example.gov',
        'mx.example.gov; spf=pass smtp.mailfrom=bounces@agency.example.gov',
        'mx.example.gov; spf=pass smtp.mailfrom=agency.example.gov',
    ],
)
def test_shown(value: str) -> None:
    assert shown(results(value))


@pytest.mark.parametrize(
    'value',
    [
        'mx.evil.example; dmarc=pass header.from=agency.example.gov',
        'mx.example.gov.evil.example; dmarc=pass header.from=agency.example.gov',
        'mx.example.gov; none',
        'mx.example.gov; dmarc=fail header.from=agency.example.gov',
        'mx.example.gov; dmarc=pass header.from=evil.example',
        # The author that DMARC spoke of was another one, of the same organization.
        'mx.example.gov; dmarc=pass header.from=other.example.gov',
        'mx.example.gov; dkim=pass header.d=evil.example',
        'mx.example.gov; dkim=pass header.d=gov',
        'mx.example.gov; dkim=pass header.d=agency.example.gov.evil.example',
        'mx.example.gov; dkim=neutral header.d=agency.example.gov',
        'mx.example.gov; spf=pass smtp.mailfrom=evil.example',
        'mx.example.gov; spf=pass smtp.helo=agency.example.gov',
        'mx.example.gov; spf=softfail smtp.mailfrom=agency.example.gov',
        'mx.example.gov; (dkim=pass header.d=agency.example.gov) dkim=fail',
        'mx.example.gov; x-dkim=pass header.d=agency.example.gov',
        '; dkim=pass',
        '',
        'mx.example.gov; dkim=pass header.d="agency.example.gov',
    ],
)
def test_not_shown(value: str) -> None:
    assert shown(results(value)) is None


def test_nobody_is_trusted_by_default() -> None:
    msg = email.message_from_string(
        results('mx.example.gov; dmarc=pass header.from=agency.example.gov') + '\n\n'
    )
    assert shown_by(msg, AUTHOR, ()) is None


def test_a_field_that_came_with_the_mail_does_not_count() -> None:
    forged = results('mx.example.gov; dkim=pass header.d=agency.example.gov')
    fields = '\n'.join(
        [
            results('mx.example.gov; dkim=none'),
            'Received: from a by mx.example.gov',
            forged,
        ]
    )
    assert shown(fields) is None


def test_all_fields_of_one_hop_count() -> None:
    fields = '\n'.join(
        [
            'Received: from mx.example.gov by lists.example.gov',
            results('mx.example.gov; spf=fail smtp.mailfrom=evil.example'),
            results('mx.example.gov; dkim=pass header.d=agency.example.gov'),
            'Received: from a by mx.example.gov',
        ]
    )
    assert shown(fields) == 'dkim=pass (agency.example.gov)'


def test_public_suffixes_are_not_organizations() -> None:
    value = results('mx.example.gov; dkim=pass header.d=b.example.co.uk')
    assert shown(value, 'pat@a.example.co.uk')
    value = results('mx.example.gov; dkim=pass header.d=other.co.uk')
    assert shown(value, 'pat@example.co.uk') is None


@given(st.text(max_size=300))
def test_never_raises(value: str) -> None:
    msg = email.message_from_string('Subject: x\n\n')
    msg['Authentication-Results'] = ' '.join(value.split())
    shown_by(msg, AUTHOR, TRUSTED)
