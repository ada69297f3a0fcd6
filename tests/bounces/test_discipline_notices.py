# SPDX-License-Identifier: GPL-3.0-or-later
"""What members and administrators are told of suspensions (R20-R22)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import select

from qnet_mailman.bounces import discipline, notices
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetBounceNotice, QNetSuspension
from tests.bounces.rounds import steps_and_cycle
from tests.bounces.suspending import START, Outbox, disable, live, member

__all__ = ['member']


def test_events_for_administrators(mlist: Any, member: Any) -> None:
    discipline_events = []
    with patch.object(notices, 'send_all'):
        disable(mlist, member)
        live()
        discipline_events = [
            (row.event, row.email, row.kind, row.reason, row.half_score, row.threshold)
            for row in store().scalars(
                select(QNetBounceNotice).order_by(QNetBounceNotice.id)
            )
        ]
    about = ('reader@example.net', 'hard', 'address unknown', 10, 5)
    assert discipline_events == [('disabled', *about), ('removed', *about)]


def test_the_warning(mlist: Any, member: Any) -> None:
    disable(mlist, member)
    steps_and_cycle(START)
    (warning,) = Outbox().new()
    text = warning.get_payload(decode=True).decode()
    assert warning['auto-submitted'] == 'auto-generated'
    assert str(warning['from']) == mlist.owner_address
    for words in (
        'reader@example.net',
        'came back on January 5, 2026, because your mail server does not know',
        '550 5.1.1 <reader@example.net>: user unknown',
        'ends on January 26, 2026',
        'This is warning 1 of 3',
        '1. Look at that address: is it spelled as yours is? 2. If it is yours',
        f'at https://lists.example.gov/signup/?lists={mlist.list_id} and leave',
        'Send to me again: https://lists.example.gov/send-again/',
        mlist.owner_address,
        'help@example.gov',
        '1-800-555-0100',
    ):
        assert words in ' '.join(text.split())
    assert '$' not in text


def test_the_warning_without_a_web_side_and_without_a_report(
    mlist: Any, member: Any, configure: Any
) -> None:
    configure(web_url='')
    discipline.reached(mlist, member, 10, now=START)
    steps_and_cycle(START)
    (warning,) = Outbox().new()
    text = warning.get_payload(decode=True).decode()
    assert 'Mail to this address came back to us.' in text
    for words in ('Allow the domain lists.example.gov', 'IT department', 'blocklist'):
        assert words in text
    assert 'list again, answer this message.' in ' '.join(text.split())
    assert 'http' not in text
    assert '$' not in text


@pytest.mark.parametrize('web_url', ['', 'https://lists.example.gov'])
def test_the_last_message(
    mlist: Any, member: Any, configure: Any, web_url: str
) -> None:
    configure(web_url=web_url)
    mlist.bounce_you_are_disabled_warnings = 0
    mlist.send_goodbye_message = False
    disable(mlist, member)
    steps_and_cycle(START)
    (goodbye,) = Outbox().new()
    text = goodbye.get_payload(decode=True).decode()
    assert mlist.join_address in text
    page = f'  Sign up:\n  {web_url}/signup/?lists={mlist.list_id}\n'
    assert (page in text) == ('https://' in text) == bool(web_url)
    assert 'help@example.gov' in text
    assert '$' not in text


def test_the_day_of_the_sites_time_zone(
    mlist: Any, member: Any, configure: Any
) -> None:
    configure(time_zone='America/New_York')
    # March 1 there; clocks go forward on March 8.
    start = datetime(2026, 3, 2, 4, 45)
    disable(mlist, member, start)
    steps_and_cycle(start)
    (warning,) = Outbox().new()
    text = warning.get_payload(decode=True).decode()
    assert 'came back on March 1, 2026' in text
    assert 'ends on March 22, 2026' in text
    row = store().scalars(select(QNetSuspension)).one()
    assert row.next_step_at == datetime(2026, 3, 9, 3, 40)
