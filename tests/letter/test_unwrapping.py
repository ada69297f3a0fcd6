# SPDX-License-Identifier: GPL-3.0-or-later
"""No sentence of a text has a line end in it, and what is laid out stays."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.letter.html import as_html
from qnet_mailman.letter.unwrapping import unwrapped
from tests.letter.test_html import LINES
from tests.templates.every_mail import filled, names


@given(st.lists(LINES).map('\n'.join))
def test_it_says_the_same(text: str) -> None:
    once = unwrapped(text)
    assert as_html(once) == as_html(text)
    assert once.split() == text.split()
    assert unwrapped(once) == once


def test_paragraphs_and_items_are_one_line_and_the_rest_stays() -> None:
    assert unwrapped(
        'Messages of "News"\n<news@example.gov> come\nback at\n\n'
        '  one@example.net\n  two@example.net\n\n'
        'What to do\n----------\nFirst this,\nthen that.\n\n'
        '  1. Wait until\n     it works:\n\n     Open:\n     https://example.gov\n\n'
        '  2. Go on.\n'
        'List  News\nAnd   more\n'
    ) == (
        'Messages of "News" <news@example.gov> come back at\n\n'
        '  one@example.net\n  two@example.net\n\n'
        'What to do\n----------\nFirst this, then that.\n\n'
        '  1. Wait until it works:\n\n     Open:\n     https://example.gov\n\n'
        '  2. Go on.\n'
        'List  News\nAnd   more\n'
    )


@pytest.mark.parametrize('name', names())
def test_no_mail_breaks_a_sentence(name: str) -> None:
    lines = unwrapped(filled(name)).split('\n')
    for line, after in pairwise(lines):
        if line[:1].strip('- ') and '  ' not in line:
            assert not after or after[0].isspace() or set(after) == {'-'}, line
