# SPDX-License-Identifier: GPL-3.0-or-later
"""Authentication-Results as servers write them, and as RFC 8601 says (R37)."""

from __future__ import annotations

import authres
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.mail.authentication_results import parse

DKIM = 'dkim=pass header.d=agency.test'
GENUINE = ('dkim', 'pass', (('header.d', 'agency.test'),))


def read(text: str) -> tuple[str, list[tuple[str, str, tuple[tuple[str, str], ...]]]]:
    field = parse(text)
    return field.server, [(r.method, r.value, r.properties) for r in field.results]


@pytest.mark.parametrize(
    'odd',
    [
        # Exim, which quotes no IPv6 address and has its own words for results.
        'iprev=pass (host.example.org) smtp.remote-ip=fd00::1',
        'dkim=tmperror header.d=example.org',
        'arc=none (no-policy) header.s= arc.oldest-pass=',
        # Property types that are not registered, and values in any form.
        'x-tls=pass x-tls.subject="/C=US/O=A; B (C)" x-tls.bits=256',
        'spf=pass smtp.mailfrom=<a@b.test>',
        'spf=pass smtp.mailfrom="a b"@b.test',
        'spf=none smtp.mailfrom=',
        'spf=none smtp.mailfrom= smtp.helo=mx.b.test',
        'spf=pass mailfrom=a@b.test',
        'spf=pass smtp.mailfrom=SRS0=ab=cd=b.test=a@c.test',
        'spf=pass smtp.mailfrom=a@b.test smtp.remote-ip=2001:db8::1%eth0',
        'dmarc=pass (p=none sp=quarantine) policy.dmarc=none header.from=b.test',
        'dkim=pass header.b="a/b+c==" header.b=a/b+c==',
        'dkim=pass (1:"x") header.i=@b.test',
        'dkim=fail reason="signature; (verification) failed"',
        'auth=pass smtp.auth=some.body@b.test smtp.mailfrom',
        'bimi=skipped reason=',
        'spf',
        '=',
        'spf=',
        '=pass',
        'ü=ä ö.ß=é',
        'spf/x=pass',
        ') ) dkim=fail',
        'none',
        '',
    ],
)
@pytest.mark.parametrize(
    'form', ['{0}; {1};', '{1}; {0}', '{1};{0};', '\r\n\t{0};\n {1}']
)
def test_one_odd_result_hides_no_other(odd: str, form: str) -> None:
    server, results = read(f'mx.example.gov; {form.format(DKIM, odd)}')
    assert server == 'mx.example.gov'
    assert GENUINE in results


@pytest.mark.parametrize(
    'text',
    [
        'mx; dkim=fail (dkim=pass) header.d=a.test',
        'mx; spf=fail smtp.mailfrom="; dkim=pass header.d=a.test; "@evil.test',
        r'mx; spf=fail smtp.mailfrom="\"; dkim=pass header.d=a.test; \""@evil.test',
        'mx; spf=fail (domain of "); dkim=pass header.d=a.test; ("@evil.test) x.y=z',
        'mx; spf=fail ((nested) ; dkim=pass header.d=a.test) x.y=z',
        'mx; dkim=fail reason="dkim=pass header.d=a.test"',
        'mx; x dkim=pass header.d=a.test',
        'dkim=pass header.d=a.test; spf=fail x.y=z',
    ],
)
def test_what_a_stranger_chose_is_no_result(text: str) -> None:
    assert all(result.value != 'pass' for result in parse(text).results)


@pytest.mark.parametrize(
    'text', ['mx; spf=fail (a "b) x.y=z; {}', 'mx; spf=fail (a; {}']
)
def test_an_open_end_is_told(text: str) -> None:
    assert not parse(text.format(DKIM)).is_whole
    assert parse(f'mx; {DKIM}').is_whole


# ------------------------------------------------------- beside another reader

# The other one (authres 1.2) takes no blank behind a comment, and loses a property
# whose value is in quotation marks where another follows.
_LETTERS = 'abxyz019'
_words = st.text('abxyz', min_size=1, max_size=4)
_domains = st.lists(
    st.text(_LETTERS, min_size=1, max_size=4), min_size=2, max_size=3
).map('.'.join)
_comments = st.sampled_from(['(a)', '(a=b; c)', '((a; b) c)', '()'])
_blanks = st.sampled_from([' ', '\t', '\r\n ', '  '])
_cfws = st.one_of(_blanks, st.tuples(_blanks, _comments).map(''.join))
_maybe = st.one_of(st.just(''), _cfws)
_quoted = st.text('ab1;() =.', min_size=1, max_size=8).map(lambda text: f'"{text}"')
_values = st.one_of(
    _domains,
    _words,
    _domains.map(lambda domain: f'@{domain}'),
    st.tuples(_words, _domains).map('@'.join),
)


@st.composite
def _results(draw: st.DrawFn) -> str:
    def gap() -> str:
        return draw(_maybe)

    version = draw(st.sampled_from(['', '/1', ' / 1']))
    text = f'{gap()}{draw(_words)}{version}{gap()}={gap()}{draw(_words)}'
    if draw(st.booleans()):
        text += f'{draw(_cfws)}reason{gap()}={gap()}{draw(_quoted)}'
    count = draw(st.integers(0, 3))
    for left in range(count, 0, -1):
        kind = draw(st.sampled_from(['smtp', 'header', 'body', 'policy']))
        text += f'{draw(_cfws)}{kind}{gap()}.{gap()}{draw(_words)}{gap()}={gap()}'
        text += draw(_quoted if left == 1 and draw(st.booleans()) else _values)
    return text


@given(
    _domains,
    st.sampled_from(['', ' 1', '\t1']),
    st.lists(_results(), min_size=1, max_size=4),
    _maybe,
)
def test_what_the_grammar_has_is_read_as_others_read_it(
    server: str, version: str, results: list[str], gap: str
) -> None:
    text = f'{gap}{server}{version}{gap};' + f'{gap};'.join(results)
    theirs = authres.AuthenticationResultsHeader.parse_value(text)
    assert parse(text).is_whole
    assert read(text) == (
        theirs.authserv_id,
        [
            (
                r.method,
                r.result,
                tuple((f'{p.type}.{p.name}', p.value) for p in r.properties),
            )
            for r in theirs.results
        ],
    )


@given(st.text('mx;=()". \\ab/\r\n\té', max_size=200))
def test_never_raises_and_loses_no_result_before(text: str) -> None:
    parse(text)
    assert GENUINE in read(f'mx; {DKIM}; {text}')[1]
