# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets a post: Mailman's own set, in one statement."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from mailman.config import config
from mailman.interfaces.member import DeliveryMode, DeliveryStatus, MemberRole
from mailman.model.address import Address
from mailman.model.member import Member
from mailman.model.preferences import Preferences
from mailman.model.user import User
from sqlalchemy import insert

from qnet_mailman.model.base import store
from qnet_mailman.mta.recipients import regular_recipients
from qnet_mailman.provisioning.subscribing import refresh_statistics
from tests.effort import effort
from tests.examples import examples
from tests.helpers import add_address, make_user, message

MODES = st.sampled_from([None, *DeliveryMode])
STATUSES = st.sampled_from([None, *DeliveryStatus])
PREFERENCES = st.tuples(MODES, STATUSES, st.sampled_from([None, True, False]))
COUNTER = itertools.count()


@dataclass(frozen=True)
class Person:
    """A user, with or without a second address, and how they subscribed."""

    has_user: bool
    second: bool
    prefers_second: bool
    how: tuple[str, ...]
    role: MemberRole
    of_user: Any
    of_address: Any
    of_member: Any
    capitals: bool


PEOPLE = st.builds(
    Person,
    has_user=st.booleans(),
    second=st.booleans(),
    prefers_second=st.booleans(),
    how=st.lists(
        st.sampled_from(['address', 'user', 'second']), max_size=3, unique=True
    ).map(tuple),
    role=st.sampled_from([MemberRole.member] * 4 + [MemberRole.nonmember]),
    of_user=PREFERENCES,
    of_address=PREFERENCES,
    of_member=PREFERENCES,
    capitals=st.booleans(),
)


def prefer(preferences: Any, wanted: Any) -> None:
    mode, status, own = wanted
    preferences.delivery_mode = mode
    preferences.delivery_status = status
    preferences.receive_own_postings = own


def add(mlist: Any, person: Person) -> str:
    """Make somebody known and a member.

    :return: Their first address.
    """
    number = next(COUNTER)
    first = f'{"Reader" if person.capitals else "reader"}{number}@example.org'
    if not person.has_user:
        address = Address(first.lower(), '')
        address.preferences = Preferences()
        store().add(address)
        store().add(address.preferences)
        prefer(address.preferences, person.of_address)
        if person.how:
            member = mlist.subscribe(address, person.role)
            prefer(member.preferences, person.of_member)
        return first
    user = make_user(first)
    one = next(iter(user.addresses))
    user.preferred_address = one
    prefer(user.preferences, person.of_user)
    prefer(one.preferences, person.of_address)
    two = one
    if person.second:
        add_address(user, f'second{number}@example.org')
        two = next(a for a in user.addresses if a.email.startswith('second'))
        if person.prefers_second:
            user.preferred_address = two
    store().flush()
    done = set()
    for how in person.how:
        subscriber = {'address': one, 'user': user, 'second': two}[how]
        if id(subscriber) in done:
            continue
        done.add(id(subscriber))
        member = mlist.subscribe(subscriber, person.role)
        prefer(member.preferences, person.of_member)
    return first


@examples(
    few=12,
    many=40,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(people=st.lists(PEOPLE, min_size=1, max_size=8))
def test_the_same_as_mailman_finds(make_list: Any, people: list[Person]) -> None:
    mlist = make_list()
    mlist.send_welcome_message = False
    other = make_list()
    other.send_welcome_message = False
    emails = [add(mlist, person) for person in people]
    written = {
        email.lower(): email
        for email, person in zip(emails, people, strict=True)
        if person.has_user
    }
    add(other, people[0])
    store().flush()
    for sender in (*emails[:3], 'stranger@example.org'):
        msg = message(f'From: {sender}\nSubject: x\n\nx\n')
        found: dict[str, Any] = {}
        wanted: dict[str, Any] = {}
        config.handlers['qnet-member-recipients'].process(mlist, msg, found)
        config.handlers['member-recipients'].process(mlist, msg, wanted)
        # As they wrote it themselves (RFC 5321 section 2.4).
        assert found['recipients'] == {
            written.get(one, one) for one in wanted['recipients']
        }


def test_those_who_were_named_stay(make_list: Any) -> None:
    msgdata = {'recipients': {'only@example.org'}}
    handler = config.handlers['qnet-member-recipients']
    handler.process(make_list(), message('From: a@example.org\n\nx\n'), msgdata)
    assert msgdata == {'recipients': {'only@example.org'}}


def test_urgent_means_nothing(make_list: Any) -> None:
    mlist = make_list()
    add(mlist, Person(True, False, False, ('user',), MemberRole.member, *PLAIN, False))
    msg = message('From: a@example.org\nUrgent: word\n\nx\n')
    msgdata: dict[str, Any] = {}
    config.handlers['qnet-member-recipients'].process(mlist, msg, msgdata)
    assert len(msgdata['recipients']) == 1


PLAIN = ((None, None, None),) * 3


def test_a_user_who_prefers_no_address_gets_nothing(make_list: Any) -> None:
    mlist = make_list()
    person = Person(True, False, False, ('user',), MemberRole.member, *PLAIN, False)
    add(mlist, person)
    member = next(iter(mlist.members.members))
    assert len(regular_recipients(mlist)) == 1
    del member.user.preferred_address
    store().flush()
    assert regular_recipients(mlist) == set()


STEPS = 200
"""Of SQLite for a member, four times what it takes."""


def _many(mlist: Any, count: int) -> None:
    """Members, half of them as users, some with preferences at each level."""
    for start in range(0, count, 10_000):
        ids = range(100_000 + start, 100_000 + min(start + 10_000, count))
        modes = itertools.cycle([None, None, None, DeliveryMode.mime_digests])
        store().execute(
            insert(Preferences.__table__),
            [{'id': n, 'delivery_mode': next(modes)} for n in ids],
        )
        store().execute(
            insert(User.__table__),
            [{'id': n, 'preferences_id': n} for n in ids],
        )
        store().execute(
            insert(Address.__table__),
            [{'id': n, 'email': f'reader{n}@example.net', 'user_id': n} for n in ids],
        )
        users = User.__table__
        store().execute(users.update().values({'_preferred_address_id': users.c.id}))
        common = {'list_id': mlist.list_id, 'role': MemberRole.member}
        for column, chosen in (('address_id', ids[::2]), ('user_id', ids[1::2])):
            store().execute(
                insert(Member.__table__),
                [{**common, '_member_id': uuid4(), column: n} for n in chosen],
            )
    # As whoever makes so many members does.
    refresh_statistics()


@pytest.mark.parametrize('count', [100, pytest.param(100_000, marks=pytest.mark.long)])
def test_one_statement_for_all(make_list: Any, count: int) -> None:
    mlist = make_list()
    _many(mlist, count)
    store().flush()
    with effort() as spent:
        found = regular_recipients(mlist)
    assert len(found) == count * 3 // 4
    assert len(spent.statements) == 1
    assert spent.kilosteps * 1000 <= STEPS * count
