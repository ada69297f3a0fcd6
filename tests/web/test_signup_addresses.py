# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sign-up page says about a mistyped address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailman.email.validate import Validator

from qnet_mailman.web.signup.addresses import mistake_in, tidy


@pytest.mark.parametrize(
    ('address', 'words'),
    [
        ('', 'Enter your e-mail address'),
        ('ann', 'no @ sign'),
        ('ann example.org', 'no @ sign'),
        ('ann@bob@example.org', 'more than one @'),
        ('ann@example.org bob@example.org', 'space'),
        ('ann smith@example.org', 'space'),
        ('ann@example,org', 'comma'),
        ('ann@example', 'ending'),
        ('ann@example.org.', 'ends with a period'),
        ('ann@.example.org', 'period too many'),
        ('ann@example..org', 'period too many'),
        ('@example.org', 'before the @ sign is missing'),
        ('ann@', 'after the @ sign is missing'),
        ('Ann <ann@example.org>', 'alone'),
        ('mailto:ann@example.org', 'alone'),
        ('ann@exa_mple.org', 'cannot be there: _'),
        ('änn@example.org', 'cannot use: ä'),
        ('ann\\@example.org', 'cannot use'),
        ('a' * 250 + '@example.org', 'too long'),
    ],
)
def test_plain_words(address: str, words: str) -> None:
    assert words in (mistake_in(address) or '')


@pytest.mark.parametrize(
    'address',
    [
        'ann@example.org',
        'Ann.B+news/2024@Lists.Example.GOV',
        "o'hara=x@example.org",
        '"ann.b"@example.org',
        '"a@b"@example.org',
        '.ann..b.@example.org',
        'ann@bücher.example',
        'ann@例え.テスト',
        'ann@xn--bcher-kva.example',
    ],
)
def test_addresses_that_only_look_odd(address: str) -> None:
    assert mistake_in(address) is None


@given(st.text() | st.from_regex(r'[!-~]{0,20}@?[!-~]{0,20}', fullmatch=True))
def test_whatever_is_refused_here_core_would_refuse(text: str) -> None:
    address = tidy(text)
    mistake = mistake_in(address)
    if mistake is None or not address.isascii():
        return
    # Core takes several @ signs; no server would.
    assert 'more than one @' in mistake or not Validator().is_valid(address)


@given(st.text(' \t\r\n\xa0\u3000\u200b\ufeff'))
def test_spaces_around_it_are_nobodys_mistake(space: str) -> None:
    assert tidy(f'{space}ann@example.org{space}') == 'ann@example.org'
