# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus collects of core, over REST."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from mailman.config import config
from mailman.interfaces.member import MemberRole
from mailman.interfaces.requests import IListRequests, RequestType
from mailman.model.address import Address
from mailman.model.member import Member
from mailman.utilities.datetime import now
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert

from qnet_mailman.model import counters, fan_outs, limits
from qnet_mailman.model.base import store
from qnet_mailman.queues import restored
from qnet_mailman.runners import outgoing
from tests.clock import Clock
from tests.effort import database_away, effort
from tests.helpers import appoint, message, subscribe
from tests.keeping import Keeper, keeping
from tests.rest import client

Samples = dict[tuple[str, ...], float]


def scraped() -> Samples:
    """Each sample by its name and the values of its labels, by their names."""
    answer = client.ask('GET', 'plugins/qnet/metrics')
    assert answer.status_code == 200
    assert answer.headers['content-type'].startswith('text/plain; version=0.0.4')
    return {
        (
            sample.name,
            *(sample.labels[key] for key in sorted(sample.labels)),
        ): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_rest_asks_for_its_password(core: SimpleNamespace) -> None:
    wrong = {'Authorization': client.authorization('wrong')}
    answer = client.ask('GET', 'plugins/qnet/metrics', headers=wrong)
    assert answer.status_code == 401 and 'qnet_' not in answer.text


def test_queues_and_runners(core: SimpleNamespace, mlist: Any) -> None:
    config.switchboards['in'].enqueue(message('Subject: x\n\nx\n'), listid='x')
    [entry] = Path(config.switchboards['in'].queue_directory).glob('*.pck')
    old = time.time() - 500
    os.utime(entry, (old, old))
    outgoing.OutgoingRunner('out')._one_iteration()
    found = scraped()
    assert found['qnet_queue_entries', 'in'] == 1
    assert found['qnet_queue_oldest_age_seconds', 'in'] >= 500
    assert found['qnet_queue_entries', 'out'] == 0
    assert found['qnet_queue_oldest_age_seconds', 'out'] == 0
    assert found['qnet_runner_heartbeat_timestamp_seconds', 'out:0:1'] > old
    # No master runs here.
    assert found['qnet_runner_up', 'in:0:1'] == 0
    assert found['qnet_ready',] == found['qnet_database_up',] == 1
    assert found['qnet_database_ping_seconds',] >= 0


class Refusing(Keeper):
    """Refuses some recipients."""

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address.startswith('gone'):
            return '550 5.1.1 no such user'
        if address.startswith('busy'):
            return '451 4.3.0 later'
        envelope.rcpt_tos.append(address)
        return '250 OK'


def send(mlist: Any, readers: list[str], **msgdata: Any) -> None:
    """Let the outgoing runner send a post."""
    config.switchboards['out'].enqueue(
        message(f'Message-ID: <{uuid4()}@example.net>\nSubject: x\n\nx\n'),
        listid=mlist.list_id,
        recipients=set(readers),
        to_list=True,
        **msgdata,
    )
    config.db.commit()
    outgoing.OutgoingRunner('out')._one_iteration()


@pytest.fixture
def refusing(core: SimpleNamespace) -> Iterator[Keeper]:
    counters._known.clear()
    with keeping(Refusing()) as running:
        yield running


def test_copies_by_domain_and_answer_and_how_long_a_post_takes(
    refusing: Keeper, mlist: Any, clock: Clock
) -> None:
    many = [f'r{number}@big.example' for number in range(9)]
    readers = [*many, 'gone@big.example', 'busy@big.example', 'one@small.example']
    for reader in readers:
        subscribe(mlist, reader)
    came = clock()
    clock.forward(seconds=90)
    send(mlist, readers, received_time=came)
    found = scraped()
    assert found['qnet_copies_total', 'accepted', 'big.example'] == 9
    assert found['qnet_copies_total', 'permanent', 'big.example'] == 1
    assert found['qnet_copies_total', 'temporary', 'big.example'] == 1
    assert found['qnet_copies_total', 'accepted', 'other'] == 1
    assert found['qnet_posts_sent',] == 1
    assert found['qnet_post_first_copy_seconds',] == 90
    assert found['qnet_post_last_copy_seconds',] == 90
    assert not [key for key in found if 'small.example' in key]


def test_the_last_copies_of_a_post(core: SimpleNamespace, clock: Clock) -> None:
    came = clock()
    for seconds in (60, 600):
        moment = came + timedelta(seconds=seconds)
        fan_outs.note('x', '<1@x>', came=came, copies=1000, moment=moment)
    config.db.commit()
    found = fan_outs.slowest(came)
    assert found == fan_outs.Slowest(1, 60.0, 600.0)
    assert fan_outs.slowest(came + timedelta(hours=2)).posts == 0
    fan_outs.prune(came + timedelta(days=8))
    assert fan_outs.slowest(came).posts == 0


def test_what_is_rolled_back_is_not_counted(core: SimpleNamespace) -> None:
    counters.add('holds', 'hold')
    config.db.abort()
    counters.add('holds', 'hold', times=2)
    config.db.commit()
    counters.add('holds', 'hold')
    config.db.commit()
    assert counters.counted() == [('holds', 'hold', '', 3)]
    assert scraped()['qnet_holds_total', 'hold'] == 3


def test_a_transaction_counts_in_one_statement(core: SimpleNamespace) -> None:
    counters._known.clear()
    counters.add('copies', 'a.example', 'accepted')
    config.db.commit()
    with effort() as made:
        for name in ('a.example', 'a.example', 'other'):
            counters.add('copies', name, 'accepted')
        counters.add('copies', 'a.example', 'permanent')
        counters.add('copies', 'a.example', 'temporary', 5)
        config.db.commit()
    assert len(made.statements) <= 2


def test_labels_do_not_become_many(core: SimpleNamespace) -> None:
    counters._known.clear()
    for number in range(3 * counters.MOST):
        counters.add('copies', f'{number:03}.example', 'accepted', number + 1)
    config.db.commit()
    # Another process knows them, too.
    counters._known.clear()
    counters.add('copies', 'new.example', 'accepted', 1000)
    config.db.commit()
    found = {label: value for _, label, _, value in counters.counted()}
    assert len(found) == counters.MOST + 1
    whole = sum(range(1, 3 * counters.MOST + 1)) + 1000
    assert sum(found.values()) == whole
    # Those that came most often in the beginning have their own.
    assert '149.example' in found and '000.example' not in found


def test_limits_that_are_hit_and_what_waits(mlist: Any) -> None:
    counters._known.clear()
    for _ in range(5):
        limits.allowed('sign-up request', '192.0.2.7', 2, limits.HOUR)
    IListRequests(mlist).hold_request(RequestType.held_message, 'x')
    appoint(mlist, 'pat@example.org')
    config.db.commit()
    answer = client.ask('GET', 'plugins/qnet/metrics').text
    assert '192.0.2.7' not in answer and 'example.org' not in answer
    found = scraped()
    assert found['qnet_limits_hit_total', 'sign-up request'] == 3
    assert found['qnet_held', 'held_message'] == 1
    assert found['qnet_grants', 'administrator', 'active'] == 1
    assert found['qnet_grants_changed_timestamp_seconds',] > 0
    assert found['qnet_suspended_members',] == found['qnet_forms_waiting',] == 0


def test_any_number_of_members_costs_the_same(plain_list: SimpleNamespace) -> None:
    def cost() -> tuple[int, int]:
        with effort() as made:
            scraped()
        return len(made.statements), made.kilosteps

    few, _ = cost()
    rows = [{'email': f'm{n}@example.org', 'display_name': ''} for n in range(100_000)]
    store().execute(insert(Address), rows)
    store().execute(
        insert(Member),
        [
            {
                '_member_id': uuid4(),
                'role': MemberRole.member,
                'list_id': plain_list.list_id,
                'moderation_action': None,
                'address_id': number + 1,
            }
            for number in range(100_000)
        ],
    )
    config.db.commit()
    many, steps = cost()
    assert many == few <= 15
    # Thousands of instructions of SQLite's machine; no table is walked through.
    assert steps < 50


def test_a_database_that_is_away_is_told(core: SimpleNamespace) -> None:
    with database_away('qnet_counter'):
        found = scraped()
    assert found['qnet_database_up',] == 0
    assert found['qnet_queue_entries', 'in'] == 0


def test_live_and_ready(core: SimpleNamespace) -> None:
    def asked(what: str) -> Any:
        return client.ask('GET', f'plugins/qnet/health/{what}')

    assert asked('live').status_code == asked('ready').status_code == 200
    with database_away('SELECT 1'):
        assert asked('live').json['live'] is True
        answer = asked('ready')
    assert answer.status_code == 503
    assert answer.json['ready'] is False and answer.json['problems']
    # Mail of a site that was restored waits until an operator has looked.
    restored.write(restored.Mark('qnet-x.tar', now(), is_whole=True))
    try:
        answer = asked('ready')
    finally:
        restored.remove()
    assert answer.status_code == 503
    assert 'was restored from qnet-x.tar' in answer.json['problems'][0]
