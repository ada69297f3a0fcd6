# SPDX-License-Identifier: GPL-3.0-or-later
"""The attack: somebody leaves by the link that another one has quoted (R15, R39).

Whoever reads a list, its digest or its public archive finds there what members quote.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from email.message import Message
from typing import Any

import pytest
from mailman.config import config
from mailman.interfaces.member import DeliveryMode

from qnet_mailman.lists.digests import send_now
from qnet_mailman.model import keys, return_addresses
from qnet_mailman.model.return_addresses import confirm_address
from qnet_mailman.mta.deliver import deliver
from qnet_mailman.runners.digest import DigestRunner
from qnet_mailman.subscriptions import leaving, one_click, quoted
from qnet_mailman.subscriptions.one_click import Kind, Outcome
from qnet_mailman.values import Mask
from tests.attacks.quoting import PROGRAMS, Got, Part, plain, together, written
from tests.attacks.stranger import links_in
from tests.effort import effort
from tests.helpers import empty, message, post, queued, run
from tests.keeping import Keeper
from tests.lists import furnish
from tests.rest.client import ask
from tests.subscriptions.joiners import find_list, members

VICTIM = 'victim@clinic.example.org'
READERS = ('ann@example.net',)
DIGESTS = {
    'mime@example.net': DeliveryMode.mime_digests,
    'plain@example.net': DeliveryMode.plaintext_digests,
}
NEWS = together('alternative', plain('News.\n'), ('text/html', b'<p>News.</p>', '7bit'))

pytestmark = pytest.mark.mlist('discussion', members=[VICTIM, *READERS])


def raw(name: str, part: Part, sender: str = VICTIM, fields: str = '') -> bytes:
    number = sum(map(ord, name))
    head = (
        f'From: {sender}\nTo: news1@lists.example.gov\nSubject: {name}\n{fields}'
        f'Message-ID: <{number}@example.net>\nMIME-Version: 1.0\n'
    )
    return head.encode() + written(part)


def to_all(mlist: Any, data: bytes) -> None:
    """Post, and send all copies of it; what is for the archive stays in its queue."""
    post(mlist, message(data))
    run('in', 'pipeline')
    send_copies(mlist)


def send_copies(mlist: Any) -> None:
    for msg, msgdata in queued('out'):
        deliver(mlist, msg, {**msgdata, 'verp': True})
    empty('out')


def live(data: bytes) -> dict[str, str]:
    """Whose subscription which of the links ends."""
    found = {}
    for token in links_in(data):
        left = one_click.describe(token)
        if left.outcome is Outcome.subscribed:
            (found[token],) = left.whose
    return found


def shortened(address: str) -> str:
    return f'{address[0]}***@{address.partition("@")[2]}'


@pytest.mark.parametrize(
    'mask', [Mask.off, pytest.param(Mask.everyone, marks=pytest.mark.long)]
)
def test_nobody_leaves_by_what_another_one_quotes(
    make_list: Any, keeper: Keeper, mask: Mask
) -> None:
    mlist = furnish(
        make_list('discussion'),
        members=[VICTIM, *READERS],
        digests=DIGESTS,
        mask=mask,
        digests_enabled=True,
        digest_size_threshold=0,
    )
    to_all(mlist, raw('News', NEWS, READERS[0]))
    (data,) = [data for _, to, data in keeper.sent if to == [VICTIM]]
    got = Got(data)
    assert set(live(data).values()) == {shortened(VICTIM)}
    assert len(live(data)) == 2
    for name, program in PROGRAMS.items():
        answer = raw(f'Re: {name}', program(got))
        assert shortened(VICTIM) in live(answer).values(), name
        to_all(mlist, answer)
    send_now(mlist, force=True)
    runner = DigestRunner('digest')
    while runner._one_iteration():
        pass
    run('virgin')
    send_copies(mlist)
    assert not queued('shunt') and not queued('bad')
    archived = [msg.as_bytes() for msg, _ in queued('archive')]
    assert len(archived) == len(PROGRAMS) + 1
    assert_nobody_else(mlist, keeper, archived)
    for to in (*READERS, *DIGESTS):
        assert any(recipients == [to] for _, recipients, _ in keeper.sent)
    expected = (len(PROGRAMS) + 1) * (len(READERS) + 1) + len(DIGESTS)
    assert len(keeper.sent) == expected


def assert_nobody_else(mlist: Any, keeper: Keeper, archived: list[bytes]) -> None:
    """Whatever others got, try it, as a person and as a mail provider."""
    tokens: set[str] = set()
    for data in archived:
        assert live(data) == {}
        tokens |= links_in(data)
    for _, (recipient,), data in keeper.sent:
        if recipient != VICTIM:
            assert set(live(data).values()) <= {shortened(recipient)}
            tokens |= links_in(data)
    assert tokens
    list_id = mlist.list_id
    config.db.commit()
    for token in tokens:
        for more in ({}, {'confirmed': 'yes'}):
            ask('POST', 'plugins/qnet/unsubscribe', {'token': token, **more})
    assert members(find_list(list_id)) == [VICTIM]


def test_the_answer_is_delivered_as_it_was_written(mlist: Any, keeper: Keeper) -> None:
    to_all(mlist, raw('News', NEWS, READERS[0]))
    got = Got(next(data for _, to, data in keeper.sent if to == [VICTIM]))
    keeper.sent.clear()
    quotation = plain('Thanks, Änn.\n\n' + re.sub('^', '> ', got.text, flags=re.M))
    to_all(mlist, raw('Re: News', quotation))
    text = keeper.of(READERS[0]).get_payload(decode=True).decode()  # type: ignore[union-attr]
    dead = re.sub('/unsubscribe/[a-z2-7]{72}/', f'/unsubscribe/{"x" * 72}/', got.text)
    expected = 'Thanks, Änn.\n\n' + re.sub('^', '> ', dead, flags=re.M)
    assert text.replace('\r\n', '\n').startswith(expected)


# ------------------------------------------------------- other tokens of ours


@pytest.fixture
def handed_out(mlist: Any) -> dict[str, str]:
    """Texts with tokens of the victim, as they come by mail, by the token."""
    leaving.request(mlist, VICTIM, route='test')
    ((question, _),) = queued('virgin')
    empty('virgin')
    reply = str(question['from'])
    pending = reply.partition('@')[0][-40:]
    (member,) = one_click.memberships(mlist, [VICTIM]).values()
    key = keys.signing()
    bounce = return_addresses.encode(
        return_addresses.Claim(
            member.list_row,
            key.id,
            keys.EPOCH,
            member.row,
            return_addresses.membership_of(member.member_id, VICTIM),
            b'post',
        ),
        key.secret,
    )
    config.db.commit()
    header = one_click.token_for(mlist, member, key, Kind.header)
    again = one_click.token_for(mlist, member, key, Kind.again)
    return {
        reply: pending,
        reply.upper(): pending.upper(),
        f'news1-confirm+{pending}@lists.example.gov': pending,
        f'https://lists.example.gov/signup/confirm/{pending}/': pending,
        f'https://lists.example.gov/mailman3/confirm/?token={pending}': pending,
        f'token=3D{pending}': pending,
        f'bounces+{bounce}@lists.example.gov': bounce,
        f'bounces%2B{bounce.upper()}%40lists.example.gov': bounce.upper(),
        f'SRS0=x=lists.example.gov=bounces+{bounce}@example.org': bounce,
        f'https://lists.example.gov/send-again/{again}/': again,
        f'https://lists.example.gov/send-again/{again.upper()}/': again.upper(),
        f'unsubscribe {header}': header,
        f'https://lists.example.gov/unsubscribe/{header.upper()}': header.upper(),
        f'List-Unsubscribe: <mailto:x?subject=unsubscribe%20{header}>': header,
    }


def test_other_tokens_are_dead_too(mlist: Any, handed_out: dict[str, str]) -> None:
    text = ''.join(f'> See {each} and so on.\n' for each in handed_out)
    (reply, *_) = handed_out
    fields = ''.join(
        f'X-{number}: {each}\n' for number, each in enumerate(handed_out)
    ) + (f'Cc: {reply}\nList-Unsubscribe: {list(handed_out)[-1]}\n')
    post(mlist, message(raw(f'Re: {list(handed_out)[-3]}', plain(text), fields=fields)))
    run('in')
    ((accepted, _),) = queued('pipeline')
    data = accepted.as_bytes().replace(b'\n ', b'').replace(b'\n\t', b'')
    for each, token in handed_out.items():
        assert token.encode() not in data
        assert f'> See {each.replace(token, "x" * len(token))} and'.encode() in data


def test_at_the_moderators_and_owners(mlist: Any, handed_out: dict[str, str]) -> None:
    text = ''.join(f'> See {each}\n' for each in handed_out)
    for sender, more in (('stranger@agency.test', {}), (VICTIM, {'to_owner': True})):
        config.switchboards['in'].enqueue(
            message(raw('A question', plain(text), sender)),
            listid=mlist.list_id,
            **({'to_list': True} | more),
        )
    run('in')
    sent = [
        msg.as_string() for name in ('virgin', 'pipeline') for msg, _ in queued(name)
    ]
    assert sum('> See ' in one for one in sent) == 2
    for token in handed_out.values():
        assert not any(token in one for one in sent)


def test_what_is_not_ours_stays_byte_for_byte(mlist: Any) -> None:
    (member,) = one_click.memberships(mlist, [VICTIM]).values()
    some = one_click.token_for(mlist, member, keys.signing(), Kind.footer)
    others = [
        # A commit, a checksum, tokens of another site and a day to come.
        'da39a3ee5e6b4b0d3255bfef95601890afd80709',
        'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
        'bounces+' + 'a' * 48 + '@lists.example.gov',
        'confirm+00000001' + '0' * 40 + '@lists.example.gov',
        'am' + 'z' * 70,
        'aiaqb' + 'a' * 67,
        some[:-1],
        'AQAB' + 'Z' * 56,
    ]
    text = '\r\n'.join(others) + '\r\n=\xe9 \xff\r\nFrom here\r\n'
    for data in (
        raw('A', ('text/plain; charset=x', text.encode('latin-1'), '8bit')),
        raw('B', ('text/html', text.encode('utf-8'), 'base64')),
        raw('C', together('mixed', plain(text, 'quoted-printable'))),
    ):
        msg = message(data)
        before = msg.as_bytes()
        assert quoted.make_dead(msg) == 0
        assert msg.as_bytes() == before


def test_an_answer_that_also_went_to_the_list_is_asked_nothing(mlist: Any) -> None:
    # Its token is dead in what the list sees, and did its work where it should.
    leaving.request(mlist, VICTIM, route='test')
    ((question, _),) = queued('virgin')
    empty('virgin')
    fields = f'Cc: {question["from"]}\n'
    post(mlist, message(raw('Re: Unsubscribe', plain('Yes.\n'), fields=fields)))
    run('in')
    assert queued('virgin') == []
    assert queued('pipeline') == []


# ------------------------------------------------------------------ the costs


def lines(number: int) -> Iterator[str]:
    """A post of so many lines, each with something that may be a token."""
    for count in range(number):
        # Each with the number of another key.
        leaving = base64.b32encode(b'\x03' + count.to_bytes(2) + bytes(42)).decode()
        bounce = base64.b32encode(bytes(4) + count.to_bytes(2) + bytes(24)).decode()
        deciding = base64.b32encode(b'\xd3' + count.to_bytes(2) + bytes(37)).decode()
        some = f'{leaving[:-1]}%41 {deciding} bounces+{bounce}'
        yield f'> {count:040x} {some}@x &#97; <b>='


def test_as_many_lookups_whatever_the_size(mlist: Any) -> None:
    msg = message(raw('Much', plain('\n'.join(lines(20)))))
    some = counted(msg)
    msg = message(raw('Much', plain('\n'.join(lines(900)))))
    assert counted(msg) == some


def counted(msg: Message) -> int:
    # What a transaction has read, it does not read again.
    config.db.commit()
    with effort() as spent:
        quoted.make_dead(msg)
    return len(spent.statements)


def test_confirm_addresses_are_of_the_form(mlist: Any) -> None:
    address = confirm_address(mlist, '0123456789abcdef' * 2 + '01234567')
    assert any(form.search(address) for form in quoted.FORMS)
