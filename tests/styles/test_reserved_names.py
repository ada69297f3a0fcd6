# SPDX-License-Identifier: GPL-3.0-or-later
"""Of many lists, those whose addresses clash are found without a look at each."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qnet_mailman.styles.reserved import _suspects, clash_with

LOCALS = ('talk', 'news', 'root', 'bounces', 'talk-owner', 'a-bounces-join', 'a+b', 'a')
ENDINGS = ('', '-owner', '-join', '-bounces', '-other')
addresses = st.builds(
    '{}{}@{}'.format,
    st.sampled_from(LOCALS),
    st.sampled_from(ENDINGS),
    st.sampled_from(('example.gov', 'example.org')),
)


@given(st.sets(addresses), st.sets(addresses, max_size=3), st.sampled_from(['+', '']))
def test_no_clash_is_overlooked(
    lists: set[str], service: set[str], delimiter: str
) -> None:
    uses = dict.fromkeys(service, 'where people get help')
    clashing = {
        each for each in lists if clash_with(each, uses, lists, delimiter=delimiter)
    }
    assert clashing <= _suspects(lists, uses, delimiter) <= lists


def test_of_many_lists_few_are_looked_at() -> None:
    lists = {f'list-{number}@example.gov' for number in range(1000)}
    assert _suspects(lists, {'help@example.gov': ''}, '+') == set()
