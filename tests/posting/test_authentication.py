# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a post is shown to come from its author's domain (R6)."""

from __future__ import annotations

import email

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.posting.authentication import Servers, shown_by

TRUSTED = ('mx.example.gov',)
AUTHOR = 'pat@agency.example.gov'


def shown(fields: str, author: str = AUTHOR) -> str | None:
    return shown_by(
        email.message_from_string(fields + '\n\n'), author, Servers(TRUSTED)
    )


def results(value: str) -> str:
    return f'Authentication-Results: {value}'


@pytest.mark.parametrize(
    'value',
    [
        'mx.example.gov; dmarc=pass header.from=agency.example.gov',
        'mx.example.gov; dkim=pass header.d=agency.example.gov',
        'MX.Example.GOV; dkim=pass header.d=Agency.Example.GOV',
        'mx.example.gov 1; dkim=pass header.d=agency.example.gov',
        'mx.example.gov; dkim=pass header.a=rsa-sha256 header.d=agency.example.gov',
        'mx.example.gov; dkim=pass header.i=@agency.example.gov',
        'mx.example.gov; dkim=fail header.d=x.org; dkim=pass '
        'header.d=agency.example.gov',
        'mx.example.gov; dmarc=none header.from=agency.example.gov; dkim=pass '
        'header.d=agency.example.gov',
        'mx.example.gov; dmarc=fail header.from=other.example; dkim=pass '
        'header.d=agency.example.gov',
        'mx.example.gov; spf=pass smtp.mailfrom=<bounces@agency.example.gov>',
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
        # Relaxed alignment is left to the server, whose DMARC result tells it.
        'mx.example.gov; dkim=pass header.d=example.gov',
        'mx.example.gov; dkim=pass header.d=mail.example.gov',
        'mx.example.gov; dkim=pass header.d=sub.agency.example.gov',
        # RFC 8301 section 3.1.
        'mx.example.gov; dkim=pass header.d=agency.example.gov header.a=RSA-SHA1',
        # A fail for the author's domain decides, whatever a sibling passes (R37).
        'mx.example.gov; dkim=pass header.d=agency.example.gov; spf=pass '
        'smtp.mailfrom=agency.example.gov; dmarc=fail header.from=agency.example.gov',
        'mx.example.gov; dmarc=fail; dkim=pass header.d=agency.example.gov',
        'mx.example.gov; dmarc=fail (p=none) header.from=Agency.Example.GOV.; '
        'dkim=pass header.d=agency.example.gov',
        # What a stranger can choose: an envelope sender.
        'mx.example.gov; spf=pass smtp.mailfrom=x smtp.mailfrom=@agency.example.gov',
        'mx.example.gov; dkim=pass header.d=agency.example.gov; spf=pass (of "x) y.z=1',
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
    assert shown_by(msg, AUTHOR, Servers()) is None


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


PASS = 'dkim=pass header.d=agency.example.gov'


def shown_in(
    *fields: str, trusted: tuple[str, ...] = TRUSTED, inside: str = ''
) -> bool:
    msg = email.message_from_string('\n'.join(fields) + '\n\n')
    return shown_by(msg, AUTHOR, Servers(trusted, inside.split())) is not None


def test_all_fields_of_one_hop_count() -> None:
    assert shown_in(
        results('mx.example.gov; spf=fail smtp.mailfrom=evil.example'),
        results(f'mx.example.gov; {PASS}'),
        'Received: from a by mx.example.gov',
    )


@pytest.mark.parametrize('count', [1, 2, 30])
@pytest.mark.parametrize('above', ['', results('mx.example.gov; spf=none'), 'X: y'])
def test_below_the_first_received_no_field_of_that_server_counts(
    above: str, count: int
) -> None:
    # Where none stands above, the checker was down, or there is no signature.
    fields = [above] if above else []
    fields.append('Received: from a (unknown [192.0.2.1]) by mx.example.gov (Postfix)')
    assert not shown_in(*fields, *[results(f'mx.example.gov; {PASS}')] * count)


def test_a_checker_that_writes_below_is_believed_where_operators_say_so() -> None:
    gate = 'Received: from a (unknown [8.8.8.8]) by mx.example.gov (Postfix)'
    fields = [gate, results(f'mx.example.gov; {PASS}'), 'Received: from b by a']
    late = [gate, 'Received: from b by a', results(f'mx.example.gov; {PASS}')]
    for lines, believed in ((fields, True), (late, False)):
        msg = email.message_from_string('\n'.join(lines) + '\n\n')
        assert shown_by(msg, AUTHOR, Servers(TRUSTED)) is None
        assert (
            shown_by(msg, AUTHOR, Servers(TRUSTED, below=True)) is not None
        ) is believed


INNER = results('inner.example.gov; spf=fail smtp.mailfrom=agency.example.gov')
EDGE = results(f'edge.example.gov; {PASS}')
BOTH = ('edge.example.gov', 'inner.example.gov')
OUTSIDE = 'Received: from a (unknown [8.8.8.8]) by edge.example.gov with ESMTP'


@pytest.mark.parametrize(
    'client',
    [
        'edge.example.gov',
        'edge.example.gov (edge.example.gov [8.8.4.4])',
        'mail (edge.example.gov [IPv6:2001:4860:4860::8844])',
        'edge.example.gov ([8.8.4.4] helo=mail)',
        'mail (unknown [10.1.2.3])',
        '[127.0.0.1] (localhost [127.0.0.1])',
    ],
)
def test_the_edge_is_found_behind_the_inner_server(client: str) -> None:
    inner = f'Received: from {client} by inner.example.gov (Postfix) with ESMTP id 1'
    assert shown_in(INNER, inner, EDGE, OUTSIDE, trusted=BOTH)
    # The inner one was down, or the edge was.
    assert not shown_in(inner, EDGE, OUTSIDE, trusted=BOTH)
    assert not shown_in(INNER, inner, OUTSIDE, EDGE, trusted=BOTH)
    # Nor does the edge's own field hide a fail.
    failed = results('edge.example.gov; dmarc=fail header.from=agency.example.gov')
    inner_pass = results(f'inner.example.gov; {PASS}')
    assert not shown_in(inner_pass, inner, failed, OUTSIDE, trusted=BOTH)


@pytest.mark.parametrize(
    'client',
    [
        'edge.example.gov (unknown [8.8.8.8])',
        'edge.example.gov (host.evil.example [8.8.8.8])',
        '[10.1.2.3] (unknown [8.8.8.8])',
        'host.evil.example ([8.8.8.8] helo=edge.example.gov)',
        'x by edge.example.gov (unknown [8.8.8.8])',
    ],
)
def test_a_stranger_at_one_server_does_not_speak_for_another(client: str) -> None:
    gate = f'Received: from {client} by inner.example.gov (Postfix) with ESMTP id 1'
    assert not shown_in(INNER, gate, EDGE, trusted=BOTH)
    # Nor where the server is one that checks nothing.
    assert not shown_in(gate, EDGE, trusted=BOTH, inside='inner.example.gov')


def test_servers_inside_check_nothing() -> None:
    relay = 'Received: from edge.example.gov ([10.0.0.1]) by lists.example.gov; Mon'
    arrival = 'Received: from a by edge.example.gov'
    assert not shown_in(relay, EDGE, arrival, trusted=BOTH)
    assert shown_in(relay, EDGE, arrival, trusted=BOTH, inside='lists.example.gov')
    assert not shown_in(relay, arrival, EDGE, trusted=BOTH, inside='lists.example.gov')


def test_domains_in_another_alphabet() -> None:
    value = 'mx.example.gov; dkim=pass header.d=xn--bcher-kva.example'
    assert shown(results(value), 'pat@bücher.example')
    assert (
        shown(results(value.replace('xn--bcher-kva', 'x')), 'pat@bücher.example')
        is None
    )


@given(st.text(max_size=300))
def test_never_raises(value: str) -> None:
    msg = email.message_from_string('Subject: x\n\n')
    msg['Authentication-Results'] = ' '.join(value.split())
    shown_by(msg, AUTHOR, Servers(TRUSTED))
