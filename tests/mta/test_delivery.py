# SPDX-License-Identifier: GPL-3.0-or-later
"""What the mail server gets: a copy for each, with its own way to leave (R15)."""

from __future__ import annotations

import email
import re
from email.message import Message
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from mailman.app.notifications import send_goodbye_message, send_welcome_message
from mailman.config import config
from mailman.email.message import OwnerNotification, UserNotification
from mailman.interfaces.mailinglist import Personalization
from mailman.interfaces.member import DeliveryMode, MemberRole
from mailman.interfaces.template import ITemplateManager
from mailman.model.address import Address
from mailman.model.member import Member
from mailman.model.user import User
from mailman.mta.deliver import deliver as stock_deliver
from sqlalchemy import insert
from zope.component import getUtility

from qnet_mailman.lists.digests import send_now
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import row_of
from qnet_mailman.model.return_addresses import confirm_address
from qnet_mailman.mta.deliver import deliver
from qnet_mailman.mta.wire import on_the_wire
from qnet_mailman.runners.digest import DigestRunner
from qnet_mailman.subscriptions import one_click
from qnet_mailman.templates.sending import send as send_notice
from tests.effort import effort
from tests.helpers import appoint, message, post, queued, run, subscribe
from tests.keeping import Keeper

READERS = ('a@example.net', 'b@example.net', 'C.Upper@Example.org')
POST = (
    b'From: pat@agency.example.gov\nTo: news@lists.example.gov\nSubject: News\n'
    b'Message-ID: <1@example.net>\nMIME-Version: 1.0\n'
    b'List-Unsubscribe: <https://elsewhere.example.com/u>\n'
    b'List-Unsubscribe-Post: List-Unsubscribe=One-Click\n'
    b'Bcc: hidden@example.org\nContent-Type: %s\n\n'
)
PLAIN = POST % b'text/plain; charset=utf-8' + b'From here on.\nNews.\n'

pytestmark = [
    pytest.mark.usefixtures('keeper'),
    pytest.mark.mlist(members=READERS),
]


def send(mlist: Any, data: bytes = PLAIN, *recipients: str, **msgdata: Any) -> None:
    deliver(
        mlist,
        message(data),
        {'recipients': set(recipients or READERS), 'verp': True, **msgdata},
    )


def field(msg: Message, name: str) -> str | None:
    value = msg.get(name)
    return None if value is None else ' '.join(str(value).split())


def token_in(msg: Message) -> str:
    """The token of a copy's header, which it has in all the places where it belongs."""
    match = re.fullmatch(
        r'<https://lists\.example\.gov/unsubscribe/([a-z2-7]{72})/>, '
        r'<mailto:news1-leave@lists\.example\.gov\?subject=unsubscribe%20([a-z2-7]{72})>',
        field(msg, 'List-Unsubscribe') or '',
    )
    assert match and match[1] == match[2]
    assert msg.get_all('List-Unsubscribe-Post') == ['List-Unsubscribe=One-Click']
    return match[1]


def linked_in(text: str) -> str:
    """The token of the one link to leave in a text."""
    (token,) = re.findall(
        r'https://lists\.example\.gov/unsubscribe/([a-z2-7]{72})/', text
    )
    return str(token)


def text_of(part: Message) -> str:
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)
    return data.decode('utf-8').replace('\r\n', '\n')


def reader_of(token: str, *, confirmed: bool = False) -> str:
    """Whose token it is, by using it up."""
    left = one_click.leave(token, route='test', confirmed=confirmed)
    assert left.outcome is one_click.Outcome.left
    (goodbye,) = [msg for msg, _ in queued('virgin')]
    config.switchboards['virgin'].finish(config.switchboards['virgin'].files[0])
    for file in config.switchboards['virgin'].files:
        config.switchboards['virgin'].dequeue(file)
        config.switchboards['virgin'].finish(file)
    return str(goodbye['to'])


def test_each_copy_has_its_own_token(mlist: Any, keeper: Keeper) -> None:
    send(mlist)
    assert len(keeper.sent) == 3
    tokens = {reader: token_in(keeper.of(reader)) for reader in READERS}
    assert len(set(tokens.values())) == 3
    for reader, token in tokens.items():
        copy = keeper.of(reader)
        text = text_of(copy)
        assert text.startswith('From here on.\nNews.\n___')
        assert linked_in(text) != token
        assert token not in text
        assert '"HQR Updates" <news1@lists.example.gov>' in text
        assert 'news1-owner@lists.example.gov' in text
        assert 'help@example.gov' in text
        assert '$' not in text
        assert copy['Bcc'] is None
        # The header's leaves at once, the footer's when its page was answered (R39).
        in_footer = linked_in(text)
        asked = one_click.leave(in_footer, route='test')
        assert asked.outcome is one_click.Outcome.subscribed
        assert reader_of(in_footer, confirmed=True) == reader.lower()
        subscribe(mlist, reader)
        assert reader_of(token) == reader.lower()


@pytest.mark.parametrize('encoding', [b'base64', b'quoted-printable'])
def test_encoded_text(mlist: Any, keeper: Keeper, encoding: bytes) -> None:
    kind = b'text/plain; charset=utf-8\nContent-Transfer-Encoding: ' + encoding
    send(
        mlist, POST % kind + (b'R3LDvMOfZS4K' if encoding == b'base64' else b'Gr=C3=BC')
    )
    for reader in READERS:
        text = text_of(keeper.of(reader))
        assert text.startswith('Grü')
        assert reader_of(linked_in(text), confirmed=True) == reader.lower()
    lengths = {len(data) for _, _, data in keeper.sent}
    assert len(lengths) == 1


def test_the_rest_is_what_the_queue_holds(mlist: Any, keeper: Keeper) -> None:
    body = (
        b'--B\nContent-Type: application/octet-stream\n'
        b'Content-Transfer-Encoding: 8bit\n\n\xff\xfe From here\nFrom there\n.\n\n'
        b'--B\nContent-Type: text/plain\n\nNews.\n--B--\nepilogue\n'
    )
    data = POST % b'multipart/mixed; boundary=B' + b'preamble\n' + body
    send(mlist, data)
    msg = message(data)
    for name in ('List-Unsubscribe', 'List-Unsubscribe-Post', 'Bcc'):
        del msg[name]
    head, _, rest = on_the_wire(msg).partition(b'\r\n\r\n')
    before, after = rest.split(b'News.\r\n')
    for _, _, sent in keeper.sent:
        sent_head, _, sent_rest = sent.partition(b'\r\n\r\n')
        assert sent_head.startswith(head + b'\r\nList-Unsubscribe: ')
        assert sent_rest.startswith(before + b'News.\r\n___')
        assert sent_rest.rstrip().endswith(after.rstrip())


def test_without_a_web_side(mlist: Any, keeper: Keeper, configure: Any) -> None:
    configure(web_url='')
    send(mlist)
    copy = keeper.of(READERS[0])
    match = re.fullmatch(
        r'<mailto:news1-leave@lists\.example\.gov\?subject=unsubscribe%20([a-z2-7]{72})>',
        field(copy, 'List-Unsubscribe') or '',
    )
    assert match
    assert copy['List-Unsubscribe-Post'] is None
    assert '\n  mailto:news1-leave@lists.example.gov\n' in text_of(copy)
    assert reader_of(match[1]) == READERS[0]


def test_a_recipient_who_is_no_member(mlist: Any, keeper: Keeper) -> None:
    send(mlist, PLAIN, READERS[0], 'stranger@example.org')
    copy = keeper.of('stranger@example.org')
    assert field(copy, 'List-Unsubscribe') == '<mailto:news1-leave@lists.example.gov>'
    assert copy['List-Unsubscribe-Post'] is None
    assert '\n  mailto:news1-leave@lists.example.gov\n' in text_of(copy)
    token_in(keeper.of(READERS[0]))


@pytest.mark.parametrize('sender', [None, 'own@lists.example.gov', ''])
@pytest.mark.parametrize('personalize', Personalization)
@pytest.mark.parametrize('verp', [True, False])
def test_lists_of_other_styles_are_delivered_by_mailman(
    mlist: Any,
    keeper: Keeper,
    verp: bool,
    personalize: Personalization,
    sender: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if sender == '' and (verp or personalize is not Personalization.none):
        pytest.skip('Mailman fails where no sender has to be encoded')
    store().delete(row_of(mlist))
    mlist.personalize = personalize
    store().flush()
    recipients = {*READERS, 'x+y=z@sub.example.org', "o'brien@example.org"}
    msgdata = {'recipients': recipients, 'verp': verp}
    if sender is not None:
        msgdata['sender'] = sender

    def done(how: Any) -> tuple[list[Any], list[str]]:
        caplog.clear()
        keeper.sent = []
        how(mlist, message(PLAIN), dict(msgdata))
        lines = [
            re.sub(r'in [\d.e-]+ seconds', 'in no time', each.getMessage())
            for each in caplog.records
            if each.name == 'mailman.smtp'
        ]
        return sorted(keeper.sent), lines

    sent, logged = done(deliver)
    assert (sent, logged) == done(stock_deliver)
    assert sent
    assert logged


def test_addresses_beyond_ascii(mlist: Any, keeper: Keeper) -> None:
    # Mailman takes none yet; its tables do.
    subscribe(mlist, 'gruss@example.org').address.email = 'grüße@example.org'
    send(mlist, PLAIN, 'grüße@example.org', READERS[0])
    token = token_in(keeper.of('grüße@example.org'))
    assert token != token_in(keeper.of(READERS[0]))
    in_footer = linked_in(text_of(keeper.of('grüße@example.org')))
    assert in_footer != linked_in(text_of(keeper.of(READERS[0])))


def test_duplicates_are_marked(mlist: Any, keeper: Keeper) -> None:
    send(mlist, PLAIN, **{'add-dup-header': {READERS[0]}})
    assert keeper.of(READERS[0])['X-Mailman-Copy'] == 'yes'
    assert keeper.of(READERS[1])['X-Mailman-Copy'] is None


def test_the_queued_message_stays_as_it_is(mlist: Any, keeper: Keeper) -> None:
    msg = message(PLAIN)
    before = on_the_wire(msg)
    deliver(mlist, msg, {'recipients': set(READERS), 'verp': True})
    assert on_the_wire(msg) == before


def _subscribe_many(mlist: Any, emails: list[str]) -> None:
    """Every other one by address, the rest as users; in few statements."""
    ids = range(10_000, 10_000 + len(emails))
    rows = list(zip(ids, emails, strict=True))
    store().execute(insert(User.__table__), [{'id': n} for n in ids])
    store().execute(
        insert(Address.__table__),
        [{'id': n, 'email': email, 'user_id': n} for n, email in rows],
    )
    users = User.__table__
    store().execute(
        users.update()
        .where(users.c.id.in_(ids))
        .values({'_preferred_address_id': users.c.id})
    )
    common = {'list_id': mlist.list_id, 'role': MemberRole.member}
    for column, chosen in (('address_id', ids[::2]), ('user_id', ids[1::2])):
        store().execute(
            insert(Member.__table__),
            [{**common, '_member_id': uuid4(), column: n} for n in chosen],
        )


def test_few_statements_whatever_the_number(mlist: Any, keeper: Keeper) -> None:
    everyone = [f'reader{number}@example.net' for number in range(1000)]
    _subscribe_many(mlist, everyone)
    config.db.commit()
    send(mlist)
    counts = []
    for number in (10, 100, 1000):
        keeper.sent.clear()
        config.db.commit()
        with effort() as spent:
            send(mlist, PLAIN, *everyone[:number])
        assert len(keeper.sent) == number
        counts.append(len(spent.statements))
        tokens = {
            token_in(email.message_from_bytes(data)) for _, _, data in keeper.sent
        }
        assert len(tokens) == number
    assert len(set(counts)) == 1, counts


# --------------------------------------------------------- slower, and correct


def footer(mlist: Any, text: str, name: str = 'list:member:regular:footer') -> None:
    """Set a text as an administrator does."""
    file = Path(config.VAR_DIR) / f'{name.split(":")[-1]}.txt'
    file.write_text(text, 'utf-8')
    getUtility(ITemplateManager).set(name, mlist.list_id, file.as_uri())
    config.db.commit()


def test_an_operators_texts(mlist: Any, keeper: Keeper) -> None:
    footer(mlist, 'Bye: $unsubscribe_url from $display_name\n')
    footer(mlist, 'Hello from $list_name.\n', 'list:member:regular:header')
    send(mlist)
    for reader in READERS:
        copy = keeper.of(reader)
        assert text_of(copy) == (
            'Hello from news1.\nFrom here on.\nNews.\n'
            f'Bye: https://lists.example.gov/unsubscribe/{linked_in(text_of(copy))}/ '
            'from HQR Updates\n'
        )


def test_a_footer_that_names_its_reader(mlist: Any, keeper: Keeper) -> None:
    footer(mlist, 'For ${user_name_or_email}: $unsubscribe_url\n')
    member = mlist.members.get_member('c.upper@example.org')
    member.address.display_name = 'Cé'
    send(mlist, PLAIN, *READERS, 'stranger@example.org')
    names = dict(zip(READERS, ('a@example.net', 'b@example.net', 'Cé'), strict=True))
    for reader, name in names.items():
        copy = keeper.of(reader)
        text = text_of(copy)
        link = f'https://lists.example.gov/unsubscribe/{linked_in(text)}/'
        assert text.endswith(f'\nFor {name}: {link}\n')
    assert keeper.of('stranger@example.org')['List-Unsubscribe-Post'] is None


def test_personalization(mlist: Any, keeper: Keeper) -> None:
    mlist.personalize = Personalization.full
    send(mlist, verp=False)
    for reader in READERS:
        copy = keeper.of(reader)
        assert reader.lower() in str(copy['To']).lower()
        assert linked_in(text_of(copy)) != token_in(copy)


def test_arc_signatures(
    mlist: Any, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed: list[Message] = []

    class Signer:
        def process(self, mlist: Any, msg: Message, msgdata: Any) -> None:
            signed.append(msg)
            msg['ARC-Seal'] = 'i=1'

    monkeypatch.setattr(config, 'arc_enabled', True)
    monkeypatch.setitem(config.handlers, 'arc-sign', Signer())
    send(mlist)
    for reader in READERS:
        copy = keeper.of(reader)
        # Made ready before it was signed.
        assert copy.keys().index('ARC-Seal') > copy.keys().index('List-Unsubscribe')
        assert linked_in(text_of(copy)) != token_in(copy)
    assert len(signed) == 3
    send(mlist, PLAIN, 'x@example.org', verp=False, _fasttrack=True, nodecorate=True)
    assert keeper.of('x@example.org')['List-Unsubscribe'] is None
    assert text_of(keeper.of('x@example.org')) == 'From here on.\nNews.\n'


# ----------------------------------------------------------- digests, notices


def test_digests(mlist: Any, keeper: Keeper, configure: Any) -> None:
    configure(poster_authentication='off')
    mlist.digests_enabled = True
    mlist.digest_size_threshold = 0
    appoint(mlist, 'pat@agency.example.gov', may_post=True)
    modes = (DeliveryMode.mime_digests, DeliveryMode.plaintext_digests)
    for reader, mode in zip(READERS[:2], modes, strict=True):
        mlist.members.get_member(reader).preferences.delivery_mode = mode
    config.db.commit()
    text = PLAIN.replace(b'News.', 'Write $unsubscribe_url, Gr\xfc\xdfe.'.encode())
    post(mlist, message(text.replace(b'Subject: News', b'Subject: $unsubscribe_url')))
    run('in', 'pipeline')
    send_now(mlist, force=True)
    runner = DigestRunner('digest')
    while runner._one_iteration():
        pass
    run('virgin')
    for msg, msgdata in queued('out'):
        deliver(mlist, msg, {**msgdata, 'verp': True})
    mime, plain = (keeper.of(reader) for reader in READERS[:2])
    for copy in (mime, plain):
        parts = [one for one in copy.walk() if one.get_content_type() == 'text/plain']
        texts = [text_of(one) for one in parts]
        link = f'https://lists.example.gov/unsubscribe/{linked_in(texts[-1][-900:])}/'
        if copy is mime:
            assert link in texts[0] and link in texts[-1]
            assert not any(link in one for one in texts[1:-1])
        whole = '\n'.join(texts)
        assert whole.count(link) == 2
        # What the author wrote stays, in text and subject.
        assert 'Write $unsubscribe_url, Grüße.' in whole
        assert whole.count('$unsubscribe_url') >= 2
    assert {reader_of(token_in(copy)) for copy in (mime, plain)} == set(READERS[:2])


def sent_by(mlist: Any, keeper: Keeper, *recipients: str) -> list[Message]:
    """The copies of what is in the virgin queue."""
    run('virgin')
    for msg, msgdata in queued('out'):
        deliver(mlist, msg, msgdata)
    return [keeper.of(recipient) for recipient in recipients]


def test_notices_to_members(mlist: Any, keeper: Keeper) -> None:
    member = mlist.members.get_member(READERS[0])
    send_welcome_message(mlist, member, mlist.preferred_language)
    send_notice(
        mlist,
        'C.Upper@Example.org',
        'qnet:user:notice:held',
        'Your message waits',
        {'reason': 'r', 'subject': 's'},
    )
    # No null sender gets in the way, as answers to messages have it.
    send_notice(
        mlist,
        READERS[1],
        'qnet:user:notice:held',
        'Your message waits',
        {'reason': 'r', 'subject': 's'},
        automatic='auto-replied',
    )
    copies = sent_by(mlist, keeper, *READERS)
    for copy, reader in zip(copies, READERS, strict=True):
        assert not any('unsubscribe/' in text_of(part) for part in copy.get_payload())
        assert reader_of(token_in(copy)) == reader.lower()
    assert [mail_from == '' for mail_from, _, _ in keeper.sent].count(True) == 1


def test_notices_to_others_have_no_such_field(mlist: Any, keeper: Keeper) -> None:
    stranger, administrator = 'stranger@example.org', READERS[1]
    send_goodbye_message(mlist, stranger, mlist.preferred_language)
    subscribe(mlist, administrator, MemberRole.owner)
    OwnerNotification(mlist, 'To owners', 'x', roster=mlist.administrators).send(mlist)
    confirm = UserNotification(
        READERS[0], confirm_address(mlist, '0' * 40), 'confirm', 'x'
    )
    confirm.send(mlist)
    subscribe(mlist, 'chief@example.org')
    subscribe(mlist, 'chief@example.org', MemberRole.moderator)
    send_notice(
        mlist,
        'chief@example.org',
        'qnet:user:notice:held',
        'To the moderator',
        {'reason': 'r', 'subject': 's'},
    )
    for copy in sent_by(
        mlist, keeper, stranger, administrator, READERS[0], 'chief@example.org'
    ):
        assert copy['List-Unsubscribe'] is None
        assert copy['List-Unsubscribe-Post'] is None
        assert copy['List-Id'] is not None


def test_mail_to_the_owners(mlist: Any, keeper: Keeper) -> None:
    send(mlist, PLAIN, READERS[0], to_owner=True)
    copy = keeper.of(READERS[0])
    assert copy['List-Unsubscribe'] is None
    assert text_of(copy) == 'From here on.\nNews.\n'
