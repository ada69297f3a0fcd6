# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of bounces that somebody made up: none costs anybody a subscription (R35).

They come over LMTP, byte by byte, five of them on five days: what would suspend.
"""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.interfaces.mailinglist import Personalization
from mailman.interfaces.member import DeliveryStatus
from mailman.utilities.datetime import now
from sqlalchemy import insert

from qnet_mailman.bounces.whose import NOWHERE, Doubt, forget_earlier_copies
from qnet_mailman.model import keys, return_addresses
from qnet_mailman.model.base import store
from qnet_mailman.model.bounces import QNetEarlierCopy
from qnet_mailman.model.lists import set_personal
from qnet_mailman.mta import deliver as delivery
from qnet_mailman.runners.bounce import BounceRunner
from tests.attacks.lmtp_server import Deliver, deliver
from tests.bounces.reports import old_verp, report_text, rows, verp
from tests.bounces.rounds import steps_and_cycle
from tests.bounces.test_receiving import notices
from tests.clock import Clock, stop_clock
from tests.helpers import message, queued, subscribe, text_of
from tests.keeping import Keeper
from tests.mta.test_delivery import PLAIN

__all__ = ['deliver']

VICTIM = 'victim@example.net'
FORGER = 'forger@example.org'


@pytest.fixture
def clock(core: Any, monkeypatch: pytest.MonkeyPatch) -> Clock:
    return stop_clock(monkeypatch)


@pytest.fixture
def mlist(make_list: Any, clock: Clock) -> Any:
    mlist = make_list()
    for address in (VICTIM, FORGER):
        subscribe(mlist, address)
    config.db.commit()
    return mlist


def about(address: str, to: str, number: int = 0) -> bytes:
    return report_text(to, address, serial=number).encode()


def work_off() -> None:
    runner: Any = BounceRunner('bounces')
    # What is to be told stays to be seen.
    runner._do_periodic = lambda: None
    runner._one_iteration()
    assert not queued('shunt')


def five_days(
    clock: Clock, deliver: Deliver, to: str, named: str = VICTIM, field: str = ''
) -> None:
    for number in range(5):
        assert deliver(to, about(named, field or to, number)).startswith(b'250')
        work_off()
        clock.forward(days=1)


def is_suspended(mlist: Any, address: str = VICTIM) -> bool:
    store().expire_all()
    status = mlist.members.get_member(address).preferences.delivery_status
    return status is DeliveryStatus.by_bounces


def nothing_changed(mlist: Any, reason: str) -> None:
    assert rows() == []
    assert not is_suspended(mlist)
    assert {one.list_id for one in notices()} <= {mlist.list_id, NOWHERE.list_id}
    told = {(one.event, one.reason) for one in notices()}
    assert told == {('unrecognized', reason)}


def test_what_our_own_address_is_worth(
    mlist: Any, clock: Clock, deliver: Deliver
) -> None:
    # Five posts that bounce do suspend, whatever case a server made of the address.
    for number in range(5):
        to = verp(mlist, VICTIM)
        to = to.upper() if number % 2 else to
        assert deliver(to, about(VICTIM, 'undisclosed-recipients:;', number))
        work_off()
        clock.forward(days=1)
    assert [row.half_points for row in rows()] == [2] * 5
    assert is_suspended(mlist)
    assert not is_suspended(mlist, FORGER)


def _with(address: str, index: int) -> str:
    """An address whose token has another letter."""
    other = 'a' if address[index] != 'a' else 'b'
    return address[:index] + other + address[index + 1 :]


def test_addresses_that_anybody_can_write_down(
    mlist: Any, clock: Clock, deliver: Deliver
) -> None:
    five_days(clock, deliver, mlist.bounces_address)
    # New sites have no time in which the old ones count.
    five_days(clock, deliver, old_verp(mlist, VICTIM))
    # Nor does our own address do, where no mail server was told of it.
    five_days(clock, deliver, mlist.bounces_address, field=verp(mlist, VICTIM))
    name = mlist.bounces_address.partition('@')[0]
    own = verp(mlist, VICTIM).partition('@')[0].partition('+')[2]
    five_days(clock, deliver, f'{name}+{own}@{mlist.mail_host}')
    nothing_changed(mlist, Doubt.no_token)


def test_tokens_that_are_made_up(mlist: Any, clock: Clock, deliver: Deliver) -> None:
    good = verp(mlist, VICTIM)
    for index in (20, 30, 40, 55):
        five_days(clock, deliver, _with(good, index))
    nothing_changed(mlist, Doubt.not_ours)
    # And of no list at all; operators hear of those.
    for token in ('a' * 48, 'z2' * 24):
        five_days(clock, deliver, f'bounces+{token}@{mlist.mail_host}')
    nothing_changed(mlist, Doubt.not_ours)
    assert len(notices(list_id=NOWHERE.list_id)) == 10
    steps_and_cycle(clock.moment)
    (told,) = [msg for msg, _ in queued('out') if 'no list' in str(msg['subject'])]
    assert str(told['subject']) == 'Reports about no list: 10 not understood'
    assert 'its token is not ours' in text_of(told)


def test_a_bare_address(mlist: Any, clock: Clock, deliver: Deliver) -> None:
    five_days(clock, deliver, f'bounces@{mlist.mail_host}')
    five_days(clock, deliver, f'bounces+x@{mlist.mail_host}')
    told = {one.reason for one in notices(list_id=NOWHERE.list_id)}
    assert told == {Doubt.no_token, Doubt.not_ours}
    assert rows() == []
    assert deliver('bounces@elsewhere.example', b'').startswith(b'550')


def test_the_token_of_another_member(
    mlist: Any, clock: Clock, deliver: Deliver
) -> None:
    for number in range(5):
        to = verp(mlist, FORGER)
        assert deliver(to, about(VICTIM, to, number)).startswith(b'250')
        work_off()
        clock.forward(days=1)
    nothing_changed(mlist, Doubt.another)


def test_the_token_of_another_list(
    mlist: Any, make_list: Any, clock: Clock, deliver: Deliver
) -> None:
    other = make_list()
    subscribe(other, FORGER)
    token = verp(other, FORGER).partition('@')[0].partition('+')[2]
    # A list row that is changed is not what was signed.
    own = verp(mlist, VICTIM).partition('+')[2][:7]
    five_days(clock, deliver, f'bounces+{own}{token[7:]}@{mlist.mail_host}')
    assert rows() == []
    assert {one.reason for one in notices()} == {Doubt.not_ours}
    # On its own list, it is one bounce of its own member, and nobody else's.
    five_days(clock, deliver, f'bounces+{token}@{other.mail_host}')
    assert [row.email for row in rows()] == [FORGER]
    assert not is_suspended(mlist)


def test_a_past_membership(mlist: Any, clock: Clock, deliver: Deliver) -> None:
    to = verp(mlist, VICTIM)
    mlist.members.get_member(VICTIM).unsubscribe()
    five_days(clock, deliver, to)
    assert {one.reason for one in notices()} == {Doubt.ended}
    # The row of the database may be the same again.
    subscribe(mlist, VICTIM)
    five_days(clock, deliver, to)
    nothing_changed(mlist, Doubt.ended)


def test_an_address_that_was_changed(
    mlist: Any, clock: Clock, deliver: Deliver
) -> None:
    to = verp(mlist, VICTIM)
    member = mlist.members.get_member(VICTIM)
    member.address.email = 'new@example.net'
    config.db.commit()
    five_days(clock, deliver, to)
    assert rows() == []
    assert {one.reason for one in notices()} == {Doubt.ended}


def test_a_token_that_is_too_old(
    mlist: Any, clock: Clock, deliver: Deliver, configure: Any
) -> None:
    to = verp(mlist, VICTIM)
    clock.forward(days=31)
    five_days(clock, deliver, to)
    nothing_changed(mlist, Doubt.too_old)
    configure(bounce_token_lifetime='60d')
    five_days(clock, deliver, to)
    assert len(rows()) == 1


def test_a_report_that_is_sent_again(
    mlist: Any, clock: Clock, deliver: Deliver
) -> None:
    # One post, one bounce: whoever has seen it, cannot make five of it.
    five_days(clock, deliver, verp(mlist, VICTIM))
    assert len(rows()) == 1
    five_days(clock, deliver, verp(mlist, VICTIM), named=FORGER)
    assert len(rows()) == 1
    assert {one.reason for one in notices(event='unrecognized')} == {Doubt.another}
    assert not is_suspended(mlist)


def test_a_forwarder_that_keeps_our_address(
    mlist: Any, clock: Clock, deliver: Deliver
) -> None:
    to = verp(mlist, VICTIM)
    srs = f'SRS0=ab=cd={mlist.mail_host}={to.partition("@")[0]}@forwarder.example'
    deliver(to, about('elsewhere@provider.example', srs))
    work_off()
    assert [(row.email, row.half_points) for row in rows()] == [(VICTIM, 2)]


def test_a_key_that_was_taken_back(mlist: Any, clock: Clock, deliver: Deliver) -> None:
    to = verp(mlist, VICTIM)
    keys.revoke([keys.signing().id])
    five_days(clock, deliver, to)
    nothing_changed(mlist, Doubt.not_ours)


# ------------------------------------------------------------------ the upgrade


def upgraded(mlist: Any, clock: Clock, *addresses: str) -> None:
    """What the migration writes."""
    store().execute(
        insert(QNetEarlierCopy),
        [
            {
                'member_id': mlist.members.get_member(each).member_id,
                'list_id': mlist.list_id,
                'upgraded_at': clock.moment,
            }
            for each in addresses
        ],
    )
    config.db.commit()


def test_old_addresses_count_for_a_time_and_for_who_was_written_to(
    mlist: Any, clock: Clock, deliver: Deliver
) -> None:
    upgraded(mlist, clock, VICTIM)
    for address in (VICTIM, FORGER):
        deliver(old_verp(mlist, address), about(address, 'x'))
    work_off()
    assert [row.email for row in rows()] == [VICTIM]
    assert [one.reason for one in notices(event='unrecognized')] == [Doubt.no_token]
    clock.forward(days=13)
    deliver(old_verp(mlist, VICTIM), about(VICTIM, 'x', 2))
    work_off()
    assert len(rows()) == 2
    clock.forward(days=1)
    deliver(old_verp(mlist, VICTIM), about(VICTIM, 'x', 3))
    work_off()
    assert len(rows()) == 2
    forget_earlier_copies(clock.moment)
    assert store().query(QNetEarlierCopy).count() == 0


def test_a_site_can_end_that_time_at_once(
    mlist: Any, clock: Clock, deliver: Deliver, configure: Any
) -> None:
    upgraded(mlist, clock, VICTIM)
    configure(old_bounce_addresses='0')
    five_days(clock, deliver, old_verp(mlist, VICTIM))
    nothing_changed(mlist, Doubt.no_token)


def test_who_came_back_after_the_upgrade(
    mlist: Any, clock: Clock, deliver: Deliver
) -> None:
    upgraded(mlist, clock, VICTIM)
    mlist.members.get_member(VICTIM).unsubscribe()
    subscribe(mlist, VICTIM)
    five_days(clock, deliver, old_verp(mlist, VICTIM))
    nothing_changed(mlist, Doubt.no_token)


# ------------------------------------------------------------ what we hand out

LONG = 'a' * 25 + '-' + 'b' * 24
READER = 'c' * 60 + '@' + '.'.join(['d' * 28, 'e' * 28, 'gov'])[:60]
OURS = r'(bounces|confirm)\+[a-z2-7]{48}@lists\.example\.gov'


@pytest.fixture
def long_list(mlist: Any) -> Any:
    """A list whose name and member have as many characters as they can."""
    found = create_list(
        f'{LONG}@{mlist.mail_host}', style_name='qnet-notification-public'
    )
    assert len(found.list_name) == 50
    subscribe(found, READER)
    config.db.commit()
    return found


@pytest.mark.parametrize(
    'more',
    [
        {},
        {'verp': False},
        {'isdigest': True},
        {'reduced_list_headers': True},
        {'_personalize': True},
        {'_bulk': True},
        {'_stranger': True},
    ],
)
def test_no_envelope_sender_is_too_long(
    long_list: Any, keeper: Keeper, more: dict[str, Any]
) -> None:
    to = {'stranger@example.org'} if more.pop('_stranger', False) else {READER}
    if more.pop('_personalize', False):
        long_list.personalize = Personalization.individual
    if more.pop('_bulk', False):
        set_personal(long_list, False)
        more['verp'] = False
    config.db.commit()
    delivery.deliver(
        long_list, message(PLAIN), {'recipients': to, 'verp': True, **more}
    )
    ((mail_from, _to, _data),) = keeper.sent
    assert re.fullmatch(OURS, mail_from)
    assert len(mail_from.partition('@')[0]) <= 64
    claim = return_addresses.Verifier().read(mail_from.partition('@')[0][8:])
    assert claim is not None
    assert claim.list_row == long_list.id
    assert claim.day == now().date()
    assert claim.post == return_addresses.post_of('<1@example.net>')
    member = long_list.members.get_member(READER)
    if 'verp' not in more and to == {READER}:
        assert claim.member_row == member.id
        assert claim.membership == return_addresses.membership_of(
            member.member_id, READER
        )


def test_no_two_copies_have_the_same_sender(mlist: Any, keeper: Keeper) -> None:
    for number in range(2):
        data = PLAIN.replace(b'<1@', b'<%d@' % number)
        recipients = {VICTIM, FORGER}
        delivery.deliver(mlist, message(data), {'recipients': recipients})
    senders = {mail_from for mail_from, _to, _data in keeper.sent}
    assert len(senders) == 4
    # Each says that it is not another's in more than a letter.
    tokens = sorted(sender[8:56] for sender in senders)
    for one, other in itertools.pairwise(tokens):
        assert sum(a != b for a, b in zip(one, other, strict=True)) > 10


def test_confirmations_are_short(long_list: Any) -> None:
    to = return_addresses.confirm_address(long_list, 'f' * 40)
    assert len(to.partition('@')[0]) == 56
    found = return_addresses.returned(to.upper())
    assert found is not None
    assert (found.mlist, found.pending) == (long_list, 'f' * 40)


def test_each_letter_of_a_token_is_signed(mlist: Any) -> None:
    verifier = return_addresses.Verifier()
    token = verp(mlist, VICTIM).partition('@')[0][8:]
    assert verifier.read(token)
    for index in range(48):
        assert verifier.read(_with(token, index)) is None
