# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of Mailman's that only lists of other styles read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from mailman.app.lifecycle import create_list
from mailman.config import config

from qnet_mailman.health import mailman
from tests.conftest import DOMAIN

NAMES = ['verp_delivery_interval', 'verp_personalized_deliveries', 'verp_confirmations']


@pytest.fixture(params=['no', 'yes'])
def word(request: pytest.FixtureRequest) -> Iterator[str]:
    """What all of them are set to."""
    number = '0' if request.param == 'no' else '1'
    lines = [
        f'{NAMES[0]}: {number}',
        *(f'{each}: {request.param}' for each in NAMES[1:]),
    ]
    config.push('verp', '\n'.join(['[mta]', *lines, '']))
    yield request.param
    config.pop('verp')


def test_nobody_reads_them_where_all_lists_are_ours(mlist: Any, word: str) -> None:
    assert list(mailman.verp()) == []


def test_lists_of_other_styles_do(mlist: Any, word: str) -> None:
    create_list(f'other@{DOMAIN}', style_name='legacy-default')
    config.db.commit()
    found = list(mailman.verp())
    wanted = NAMES if word == 'no' else []
    assert [each.level for each in found] == ['warning'] * len(wanted)
    assert [each.text.partition(' ')[0] for each in found] == wanted
    assert all(each.remedy.startswith('Set verp_') for each in found)
