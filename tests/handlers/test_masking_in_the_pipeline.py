# SPDX-License-Identifier: GPL-3.0-or-later
"""Masking on the way to archive, digest and delivery (R7-R10)."""

from __future__ import annotations

from typing import Any

import pytest
from mailman.interfaces.mailinglist import ReplyToMunging

from qnet_mailman.model.audit import QNetAudit
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import set_mask
from qnet_mailman.values import Mask
from tests.helpers import (
    add_address,
    appoint,
    digested,
    make_user,
    message,
    post,
    queued,
    run,
)
from tests.helpers import subscribe as subscribe_address

ADMIN = 'pat@agency.example.gov'
SECOND = 'pexample@corp.example.com'
MEMBER = 'lee@example.org'
TRACES = (ADMIN, SECOND, 'Pat Example', 'laptop7.agency.example.gov', '192.0.2.77')

pytestmark = pytest.mark.mlist(
    'discussion', administrators=[ADMIN], members=[MEMBER, 'reader@example.net']
)


@pytest.fixture(autouse=True)
def pat(configure: Any) -> None:
    """The administrator has a name and another address, and needs to show nothing."""
    configure(poster_authentication='off')
    user = make_user(ADMIN)
    user.display_name = 'Pat Example'
    add_address(user, SECOND)


def raw(mlist: Any, sender: str, name: str, number: int, more: str = '') -> str:
    return (
        'Received: from laptop7.agency.example.gov ([192.0.2.77]) by mx.example.gov\r\n'
        f'From: {name} <{sender}>\r\nTo: {mlist.fqdn_listname}\r\n'
        f'Cc: "{name}" <{SECOND}>, Other <other@example.com>\r\n'
        f'Subject: News {number}\r\n'
        f'Message-ID: <m{number}@laptop7.agency.example.gov>\r\n'
        f'Date: Sun, 22 Nov 2026 10:00:00 +0100\r\nX-Originating-IP: 192.0.2.77\r\n'
        f'User-Agent: PatMail\r\n{more}\r\nHello to all.\r\n'
    )


def deliver(mlist: Any, text: str) -> Any:
    """Post, and return the copy in the `out` queue."""
    before = {str(m['message-id']) for m, _ in queued('out')}
    post(mlist, message(text))
    run('in', 'pipeline')
    assert not queued('shunt')
    new = [m for m, _ in queued('out') if str(m['message-id']) not in before]
    assert len(new) == 1
    return new[0]


def test_every_copy_is_masked_alike(mlist: Any) -> None:
    out = deliver(mlist, raw(mlist, ADMIN, 'Pat Example', 1))
    (archived,) = [msg for msg, _ in queued('archive')]
    copies = [one.as_bytes() for one in (out, archived, *digested(mlist))]
    assert len(copies) == 3
    for copy in copies:
        for trace in TRACES:
            assert trace.encode() not in copy
        assert b'Hello to all.' in copy
    assert str(out['from']) == f'"HQR Updates" <{mlist.fqdn_listname}>'
    assert str(out['reply-to']) == mlist.fqdn_listname
    assert 'other@example.com' in str(out['cc'])
    assert (
        out['message-id-hash'] != message(raw(mlist, ADMIN, 'P', 1))['message-id-hash']
    )


def test_nothing_in_the_queue_file_but_the_author_for_the_log(mlist: Any) -> None:
    deliver(mlist, raw(mlist, ADMIN, 'Pat Example', 1))
    ((_, data),) = queued('out')
    assert data.get('dmarc') is None
    assert data['original_sender'] == mlist.fqdn_listname


def test_members_stay_visible_by_default(mlist: Any) -> None:
    out = deliver(mlist, raw(mlist, MEMBER, 'Lee Reader', 1))
    assert MEMBER in str(out['from'])


def test_everyone(mlist: Any) -> None:
    set_mask(mlist, Mask.everyone)
    out = deliver(mlist, raw(mlist, MEMBER, 'Lee Reader', 1))
    assert MEMBER not in out.as_string()
    assert 'Lee Reader' not in out.as_string()


def test_mailmans_anonymous_list_means_everyone(mlist: Any) -> None:
    mlist.anonymous_list = True
    out = deliver(mlist, raw(mlist, MEMBER, 'Lee Reader', 1))
    assert MEMBER not in out.as_string()


@pytest.mark.parametrize('sender', [ADMIN, MEMBER])
def test_off(mlist: Any, sender: str) -> None:
    set_mask(mlist, Mask.off)
    out = deliver(mlist, raw(mlist, sender, 'Some Body', 1, 'X-Approved: secret\r\n'))
    assert sender in str(out['from'])
    assert 'x-approved' not in out


@pytest.mark.parametrize(
    ('policy', 'munged'),
    [('v=DMARC1; p=reject', True), ('v=DMARC1; p=none', False)],
)
def test_off_is_safe_for_domains_with_dmarc(
    mlist: Any, monkeypatch: pytest.MonkeyPatch, policy: str, munged: bool
) -> None:
    import dns.resolver

    def resolve(self: Any, name: Any, *args: Any, **kws: Any) -> Any:
        name = str(name).rstrip('.') + '.'
        query = dns.message.make_query(name, 'TXT')
        response = dns.message.make_response(query)
        response.answer.append(
            dns.rrset.from_text(name, 300, 'IN', 'TXT', f'"{policy}"')
        )
        answer = dns.message.from_wire(response.to_wire())
        return dns.resolver.Answer(dns.name.from_text(name), 16, 1, answer)

    monkeypatch.setattr(dns.resolver.Resolver, 'resolve', resolve)
    set_mask(mlist, Mask.off)
    out = deliver(mlist, raw(mlist, MEMBER, 'Lee Reader', 1))
    assert (mlist.fqdn_listname in str(out['from'])) is munged
    # The address stays visible: with Reply-To where From is the list's.
    assert MEMBER in str(out['reply-to' if munged else 'from'])


def test_a_reply_to_that_the_list_sets(make_list: Any, configure: Any) -> None:
    configure(poster_authentication='off')
    mlist = make_list('notification')
    appoint(mlist, ADMIN, may_post=True)
    subscribe_address(mlist, MEMBER)
    assert deliver(mlist, raw(mlist, ADMIN, 'Pat', 1))['reply-to'] is None
    mlist.reply_goes_to_list = ReplyToMunging.explicit_header_only
    mlist.reply_to_address = 'desk@agency.example.org'
    mlist.first_strip_reply_to = True
    out = deliver(mlist, raw(mlist, ADMIN, 'Pat', 2))
    assert str(out['reply-to']) == 'desk@agency.example.org'


def test_threads_survive(mlist: Any) -> None:
    first = deliver(mlist, raw(mlist, ADMIN, 'Pat Example', 1))
    masked_id = str(first['message-id'])
    # A member answers what they got.
    reply = deliver(
        mlist,
        raw(mlist, MEMBER, 'Lee', 2, f'In-Reply-To: {masked_id}\r\n'),
    )
    assert str(reply['in-reply-to']) == masked_id
    # The author goes on from their own copy, which has the old id; a reference to
    # what never was on the list goes.
    own = '<m1@laptop7.agency.example.gov>'
    third = deliver(
        mlist,
        raw(
            mlist,
            ADMIN,
            'Pat Example',
            3,
            f'In-Reply-To: {own}\r\nReferences: <private@laptop7.agency.example.gov>'
            f' {own}\r\n',
        ),
    )
    assert str(third['in-reply-to']) == masked_id
    assert str(third['references']).split() == [masked_id]
    # Somebody who was addressed beside the list answers the old id, unmasked.
    fourth = deliver(
        mlist,
        raw(mlist, MEMBER, 'Lee', 4, f'References: {own} {reply["message-id"]}\r\n'),
    )
    assert str(fourth['references']).split() == [masked_id, str(reply['message-id'])]


def test_the_audit_log_tells_who_sent_it(mlist: Any) -> None:
    out = deliver(mlist, raw(mlist, ADMIN, 'Pat Example', 1))
    row = store().query(QNetAudit).filter_by(action='post masked').one()
    assert row.actor == ADMIN
    assert row.subject == str(out['message-id'])
    assert '<m1@laptop7.agency.example.gov>' in row.detail
    assert '"envelope_sender": "x@example.net"' in row.detail


def test_what_cannot_be_masked_goes_back_to_its_author(mlist: Any) -> None:
    text = raw(
        mlist,
        ADMIN,
        'Pat Example',
        1,
        'Content-Type: multipart/encrypted; boundary=b\r\n',
    )
    post(mlist, message(text))
    run('in', 'pipeline')
    assert not queued('out') and not queued('archive') and not queued('shunt')
    ((notice, _),) = queued('virgin')
    assert notice['to'] == ADMIN
    text = notice.get_payload(decode=True).decode()
    assert 'without their sender' in text and 'encrypted' in text


@pytest.mark.parametrize('wants_copy', [True, False])
def test_a_member_who_is_addressed_beside_the_list(
    mlist: Any, wants_copy: bool
) -> None:
    member = mlist.members.get_member('reader@example.net')
    member.preferences.receive_list_copy = wants_copy
    text = raw(mlist, ADMIN, 'Pat', 1).replace(
        'other@example.com', 'reader@example.net'
    )
    deliver(mlist, text)
    ((_, data),) = queued('out')
    both = {MEMBER, 'reader@example.net'}
    assert data['recipients'] == (both if wants_copy else {MEMBER})


def test_raw_bytes_in_to(mlist: Any) -> None:
    text = raw(mlist, MEMBER, 'Lee', 1).encode().replace(b'To: ', b'To: \xe9, ', 1)
    post(mlist, message(text))
    run('in', 'pipeline')
    assert not queued('shunt')
    assert len(queued('out')) == 1


def test_references_do_not_lead_back_to_the_author(mlist: Any) -> None:
    # Both write from one host; what a member sent is known to all, while the ids
    # of the author's own unmasked posts would tell who wrote the masked one.
    theirs = deliver(mlist, raw(mlist, MEMBER, 'Lee', 1))['message-id']
    set_mask(mlist, Mask.off)
    own = deliver(mlist, raw(mlist, ADMIN, 'Pat Example', 2))['message-id']
    set_mask(mlist, Mask.administrators)
    fields = f'References: {theirs} {own}\r\n'
    out = deliver(mlist, raw(mlist, ADMIN, 'Pat Example', 3, fields))
    assert str(out['references']).split() == [str(theirs)]
