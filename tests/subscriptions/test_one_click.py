# SPDX-License-Identifier: GPL-3.0-or-later
"""Leaving with the token of a message (R15)."""

from __future__ import annotations

import base64
import threading
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailman.app.lifecycle import remove_list
from mailman.config import config
from mailman.interfaces.mailinglist import IMailingList
from mailman.interfaces.member import MemberRole
from mailman.interfaces.usermanager import IUserManager
from mailman.model.address import Address
from mailman.model.member import Member
from sqlalchemy import insert
from sqlalchemy.orm import Session
from zope.component import getUtility

from qnet_mailman.model import keys
from qnet_mailman.model.base import store
from qnet_mailman.subscriptions import one_click
from qnet_mailman.subscriptions.one_click import Claim, Kind, Outcome
from tests.clock import BEGIN, Clock
from tests.effort import effort
from tests.helpers import add_address, make_user, queued, subscribe
from tests.rest.client import ask

READER = 'reader@example.net'
LIST_ID = 'news.lists.example.gov'
KEY = b'k' * 32
CLAIM = Claim(
    1,
    date(2026, 11, 22).toordinal(),
    7,
    4711,
    UUID('12345678123456781234567812345678'),
    Kind.footer,
)
ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'

pytestmark = pytest.mark.mlist(members=[READER])


def tokens_for(mlist: Any, addresses: list[str]) -> dict[str, str]:
    found = one_click.memberships(mlist, addresses)
    key = keys.signing()
    return {
        email: one_click.token_for(mlist, member, key)
        for email, member in found.items()
    }


def token_of(mlist: Any, address: str = READER, kind: Kind = Kind.header) -> str:
    (member,) = one_click.memberships(mlist, [address]).values()
    return one_click.token_for(mlist, member, keys.signing(), kind)


def old_token(mlist: Any) -> str:
    """A token as it was when header and footer had the same."""
    new = base64.b32decode(token_of(mlist).upper())
    body = bytes([Kind.old]) + new[1:-16]
    signature = one_click._signature(body, keys.signing().secret, mlist.list_id, READER)
    return base64.urlsafe_b64encode(body + signature).decode()


def outcome(token: str, *, confirmed: bool = False) -> Outcome:
    return one_click.leave(token, route='test', confirmed=confirmed).outcome


def subscribers(mlist: Any) -> set[str]:
    return {member.address.email for member in mlist.members.members}


# ----------------------------------------------------------- the token itself


rows = st.integers(0, 2**31 - 1)
claims = st.builds(
    Claim,
    st.integers(0, 2**16 - 1),
    st.integers(0, 2**16 - 1).map(lambda days: date(2020, 1, 1).toordinal() + days),
    rows,
    rows,
    st.uuids(),
    st.sampled_from([Kind.header, Kind.footer]),
)


@given(claims, st.binary(min_size=32, max_size=32))
def test_a_token_is_what_was_written(claim: Claim, secret: bytes) -> None:
    token = one_click.encode(claim, secret, LIST_ID, READER)
    assert len(token) == one_click.LENGTH
    assert set(token) <= set(ALPHABET)
    assert one_click.decode(token) == claim == one_click.decode(token.upper())
    assert one_click.is_signed(token.upper(), secret, LIST_ID, READER)
    assert one_click.is_signed(token, secret, LIST_ID, READER)
    assert not one_click.is_signed(token, secret, LIST_ID, 'other@example.net')
    assert not one_click.is_signed(token, secret, 'other.example.gov', READER)


@given(claims, st.integers(0, one_click.LENGTH - 1), st.sampled_from(ALPHABET))
def test_any_other_character_is_another_token(
    claim: Claim, place: int, char: str
) -> None:
    token = one_click.encode(claim, KEY, LIST_ID, READER)
    other = token[:place] + char + token[place + 1 :]
    assert one_click.is_signed(other, KEY, LIST_ID, READER) is (other == token)


@given(st.text() | st.text(ALPHABET, min_size=72, max_size=72))
def test_garbage_is_no_token(text: str) -> None:
    one_click.decode(text)
    assert not one_click.is_signed(text, KEY, LIST_ID, READER)


def test_the_token_does_not_show_who_reads_what() -> None:
    token = one_click.encode(CLAIM, KEY, LIST_ID, READER)
    data = base64.b32decode(token.upper())
    for part in ('reader', 'example', 'news'):
        assert part not in token.lower()
        assert part.encode() not in data


TOKEN = one_click.encode(CLAIM, KEY, LIST_ID, READER)


@pytest.mark.parametrize(
    ('subject', 'found'),
    [
        (f'unsubscribe {TOKEN}', TOKEN),
        (f'  UNSUBSCRIBE\r\n {TOKEN} ', TOKEN),
        ('unsubscribe', None),
        (f'unsubscribe {TOKEN}x', None),
        (f'Re: unsubscribe {TOKEN}', None),
        (f'unsubscribe {TOKEN[:-1]}', None),
        ('', None),
    ],
)
def test_the_token_in_a_subject(subject: str, found: str | None) -> None:
    assert one_click.token_in(subject) == found


# ------------------------------------------------------------------- leaving


def test_leaving(mlist: Any) -> None:
    token = token_of(mlist)
    described = one_click.describe(token)
    named = (mlist.fqdn_listname, 'HQR Updates', ('r***@example.net',))
    assert described == one_click.Left(Outcome.subscribed, *named)
    assert subscribers(mlist) == {READER}
    left = one_click.leave(token, route='web')
    assert left == one_click.Left(Outcome.left, *named)
    assert subscribers(mlist) == set()
    ((goodbye, _),) = queued('virgin')
    assert goodbye['to'] == READER
    assert 'no longer subscribed' in goodbye.get_payload(decode=True).decode()
    # Twice is fine, and says nothing again.
    assert outcome(token) is Outcome.not_subscribed
    assert one_click.describe(token) == one_click.Left(Outcome.not_subscribed, *named)
    assert len(queued('virgin')) == 1


def test_goodbye_and_notice_as_the_list_is_set(mlist: Any) -> None:
    mlist.send_goodbye_message = False
    mlist.admin_notify_mchanges = True
    assert outcome(token_of(mlist)) is Outcome.left
    ((notice, _),) = queued('virgin')
    assert notice['to'] == mlist.owner_address
    assert READER in notice.get_payload(decode=True).decode()


def test_an_address_of_nobody_in_particular(mlist: Any) -> None:
    # Mailman's own way of removing a member fails where there is no user.
    manager = getUtility(IUserManager)
    mlist.subscribe(manager.create_address('alone@example.net'))
    mlist.admin_notify_mchanges = True
    assert outcome(token_of(mlist, 'alone@example.net')) is Outcome.left
    assert subscribers(mlist) == {READER}


def test_a_user_without_the_preferred_address_they_had(mlist: Any) -> None:
    user = make_user('pat@example.org')
    mlist.admin_notify_mchanges = True
    add_address(user, 'pref@example.org')
    address = getUtility(IUserManager).get_address('pref@example.org')
    user.preferred_address = address
    mlist.subscribe(user)
    token = token_of(mlist, 'pref@example.org')
    del user.preferred_address
    store().flush()
    assert outcome(token) is Outcome.left
    assert mlist.members.member_count == 1
    assert {notice['to'] for notice, _ in queued('virgin')} == {mlist.owner_address}


def test_who_joined_again_or_has_another_address(mlist: Any) -> None:
    token = token_of(mlist)
    mlist.members.get_member(READER).unsubscribe()
    store().flush()
    assert outcome(token) is Outcome.not_subscribed
    subscribe(mlist, READER)
    assert outcome(token) is Outcome.left
    member = subscribe(mlist, READER)
    token = token_of(mlist)
    user = getUtility(IUserManager).get_user(READER)
    add_address(user, 'new@example.net')
    member.address = getUtility(IUserManager).get_address('new@example.net')
    store().flush()
    assert outcome(token) is Outcome.left
    assert subscribers(mlist) == set()


def test_whoever_gets_two_copies_gets_none(mlist: Any) -> None:
    user = getUtility(IUserManager).get_user(READER)
    user.preferred_address = getUtility(IUserManager).get_address(READER)
    mlist.subscribe(user)
    assert mlist.members.member_count == 2
    assert outcome(token_of(mlist)) is Outcome.left
    assert mlist.members.member_count == 0


def test_only_members_have_tokens_whatever_the_case(mlist: Any) -> None:
    subscribe(mlist, 'owner@example.org', MemberRole.owner)
    subscribe(mlist, 'Lee@Example.org')
    tokens = tokens_for(
        mlist, ['READER@example.net', 'lee@EXAMPLE.org', 'owner@example.org', 'no@x.y']
    )
    assert set(tokens) == {READER, 'lee@example.org'}
    assert tokens_for(mlist, []) == {}


def test_a_token_of_another_list(mlist: Any, make_list: Any) -> None:
    other = make_list()
    subscribe(other, READER)
    assert outcome(token_of(other)) is Outcome.left
    assert subscribers(mlist) == {READER}


def test_forged_tokens(mlist: Any) -> None:
    token = token_of(mlist)
    member = mlist.members.get_member(READER)
    claim = one_click.decode(token)
    assert claim is not None
    forged = [
        '',
        'x' * 60,
        # Base32's letters count alike, large or small.
        token[:-1] + ('a' if token[-1] != 'a' else 'b'),
        one_click.encode(claim, KEY, mlist.list_id, READER),
        one_click.encode(
            claim._replace(key=9, member_id=member.member_id),
            KEY,
            mlist.list_id,
            READER,
        ),
        # Of a key that is not there, and rows that are not.
        base64.urlsafe_b64encode(b'\x01' + b'\xff' * 44).decode(),
        base64.b32encode(b'\x02\x00\x01' + b'\x7f' * 42).decode(),
        base64.b32encode(b'\x04' + b'\x00' * 44).decode(),
        # A footer's made a header's, and one kind written as another.
        base64.b32encode(
            b'\x02' + base64.b32decode(token_of(mlist, kind=Kind.footer).upper())[1:]
        ).decode(),
        base64.urlsafe_b64encode(base64.b32decode(token.upper())).decode(),
        base64.b32encode(base64.urlsafe_b64decode(old_token(mlist))).decode(),
    ]
    for one in forged:
        for confirmed in (False, True):
            left = one_click.leave(one, route='test', confirmed=confirmed)
            assert left == one_click.Left(Outcome.unknown)
    assert subscribers(mlist) == {READER}


def test_a_footers_token_leaves_only_when_its_page_was_answered(mlist: Any) -> None:
    token = token_of(mlist, kind=Kind.footer)
    assert one_click.describe(token).whose == ('r***@example.net',)
    assert outcome(token) is Outcome.subscribed
    assert subscribers(mlist) == {READER}
    assert queued('virgin') == []
    assert outcome(token, confirmed=True) is Outcome.left
    assert subscribers(mlist) == set()


def test_an_old_token_asks(mlist: Any) -> None:
    # A mail provider may have sent it, whose user sees no page.
    token = old_token(mlist)
    assert one_click.describe(token).outcome is Outcome.subscribed
    assert outcome(token) is Outcome.asked
    assert subscribers(mlist) == {READER}
    ((question, _),) = queued('virgin')
    assert (question['to'], str(question['subject'])) == (READER, 'Unsubscribe')
    assert outcome(token, confirmed=True) is Outcome.left
    assert subscribers(mlist) == set()


def test_a_row_that_is_used_again(mlist: Any) -> None:
    token = token_of(mlist)
    address = getUtility(IUserManager).get_address(READER)
    address.email = 'somebody@example.net'
    store().flush()
    assert outcome(token) is Outcome.unknown


def test_a_list_that_is_gone(mlist: Any) -> None:
    token = token_of(mlist)
    remove_list(mlist)
    assert outcome(token) is Outcome.unknown


def test_old_tokens(mlist: Any, clock: Clock) -> None:
    token = token_of(mlist)
    for days, expected in ((400, Outcome.subscribed), (401, Outcome.gone)):
        clock.moment = BEGIN + timedelta(days=days)
        assert one_click.describe(token).outcome is expected
    assert outcome(token) is Outcome.gone
    assert subscribers(mlist) == {READER}


def test_few_statements_whatever_the_number(mlist: Any) -> None:
    tokens_for(mlist, [READER])
    addresses = [f'reader{number}@example.net' for number in range(300)]
    for address in addresses:
        subscribe(mlist, address)
    config.db.commit()
    counts = []
    for some in (addresses[:1], addresses):
        # What a transaction has read, it does not read again.
        config.db.commit()
        with effort() as spent:
            assert len(tokens_for(mlist, some)) == len(some)
        counts.append(
            len([one for one in spent.statements if 'FROM mailinglist ' not in one])
        )
    assert counts == [2, 2]


def test_little_work_whatever_the_number_of_members(mlist: Any) -> None:
    """SQLite does not walk through the list for each batch, whatever it knows of it."""
    many = range(10_000, 15_000)
    store().execute(
        insert(Address.__table__),
        [{'id': n, 'email': f'reader{n}@example.net'} for n in many],
    )
    common = {'list_id': mlist.list_id, 'role': MemberRole.member}
    store().execute(
        insert(Member.__table__),
        [{**common, '_member_id': uuid4(), 'address_id': n} for n in many],
    )
    config.db.commit()
    with effort() as spent:
        assert len(one_click.memberships(mlist, ['reader10007@example.net'])) == 1
    # 85 where it does.
    assert spent.kilosteps <= 3


def test_who_prefers_an_address_that_was_taken_from_them(mlist: Any) -> None:
    user = make_user('pat@example.org')
    address = getUtility(IUserManager).get_address('pat@example.org')
    user.preferred_address = address
    mlist.subscribe(user)
    user.unlink(address)
    store().flush()
    assert outcome(token_of(mlist, 'pat@example.org')) is Outcome.left


def test_leaving_a_large_list_costs_no_more(mlist: Any, make_list: Any) -> None:
    def cost(mlist: Any, address: str) -> int:
        token = token_of(mlist, address)
        config.db.commit()
        with effort() as spent:
            assert outcome(token) is Outcome.left
            config.db.commit()
        return len(spent.statements)

    subscribe(mlist, 'first@example.net')
    first = cost(mlist, 'first@example.net')
    for number in range(100):
        subscribe(mlist, f'reader{number}@example.net')
    assert cost(mlist, 'reader7@example.net') == first


# ------------------------------------------------------------------ the keys


def test_keys_old_and_new(mlist: Any) -> None:
    yesterday = token_of(mlist)
    assert keys.rotate() == 2
    today = token_of(mlist)
    assert [one_click.decode(t).key for t in (yesterday, today)] == [1, 2]  # type: ignore[union-attr]
    assert one_click.describe(yesterday).outcome is Outcome.subscribed
    assert keys.revoke([1]) == [1]
    assert one_click.describe(yesterday).outcome is Outcome.gone
    assert outcome(yesterday) is Outcome.gone
    assert one_click.describe(today).outcome is Outcome.subscribed
    # The one that signs: a new one takes its place.
    assert keys.revoke([1, 2]) == [2]
    assert one_click.describe(today).outcome is Outcome.gone
    assert one_click.decode(token_of(mlist)).key == 3  # type: ignore[union-attr]
    assert [state for _id, _made, state in keys.all_keys()] == [
        keys.State.revoked,
        keys.State.revoked,
        keys.State.signs,
    ]


def test_two_make_the_same_key(core: Any) -> None:
    # What another process committed between our look and our insert.
    key = keys.signing()
    parameters = {'id': key.id, 'secret': b'x' * 32, 'made_at': datetime(2026, 1, 1)}
    assert store().execute(keys._INSERT, parameters).rowcount == 0  # type: ignore[attr-defined]
    assert keys.signing() == key


def test_a_dozen_processes_make_the_first_key(core: Any) -> None:
    # Each with a connection of its own, as processes have.
    barrier = threading.Barrier(12)
    made: list[int] = []

    def insert() -> None:
        with Session(config.db.engine) as session:
            barrier.wait()
            done = session.execute(
                keys._INSERT,
                {'id': 1, 'secret': b'x' * 32, 'made_at': datetime(2026, 1, 1)},
            )
            made.append(done.rowcount)  # type: ignore[attr-defined]
            session.commit()

    threads = [threading.Thread(target=insert) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [0] * 11 + [1]
    assert keys.signing().id == 1


# ---------------------------------------------------------------------- REST


@pytest.fixture
def asked(mlist: Any) -> Any:
    """POST to core; the list is a plain object, as sessions end with each request."""

    def post(path: str, **fields: str) -> Any:
        return ask('POST', f'plugins/qnet/{path}', fields)

    assert IMailingList.providedBy(mlist)
    plain = SimpleNamespace(
        token=token_of(mlist),
        in_footer=token_of(mlist, kind=Kind.footer),
        name=mlist.fqdn_listname,
        post=post,
    )
    config.db.commit()
    return plain


def test_over_rest(asked: Any) -> None:
    named = {
        'fqdn_listname': asked.name,
        'display_name': 'HQR Updates',
        'whose': ['r***@example.net'],
    }

    def post(path: str, **fields: str) -> dict[str, Any]:
        answer = asked.post(path, **{'token': asked.token, **fields})
        assert answer.status_code == 200
        return {k: v for k, v in answer.json.items() if k != 'http_etag'}

    assert post('unsubscribe/describe') == {**named, 'subscribed': True}
    footers = {'token': asked.in_footer}
    assert post('unsubscribe', **footers) == {**named, 'outcome': 'subscribed'}
    assert post('unsubscribe', **footers, confirmed='no')['outcome'] == 'subscribed'
    assert post('unsubscribe') == {**named, 'outcome': 'left'}
    assert post('unsubscribe') == {**named, 'outcome': 'not subscribed'}
    assert post('unsubscribe/describe') == {**named, 'subscribed': False}


def test_mistakes_over_rest(asked: Any) -> None:
    for path in ('unsubscribe', 'unsubscribe/describe'):
        assert asked.post(path, token='x' * 60).status_code == 404
        assert asked.post(path).status_code == 400
    keys.revoke([1])
    config.db.commit()
    for path in ('unsubscribe', 'unsubscribe/describe'):
        assert asked.post(path, token=asked.token).status_code == 410
