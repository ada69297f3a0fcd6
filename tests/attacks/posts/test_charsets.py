# SPDX-License-Identifier: GPL-3.0-or-later
"""The attack: a charset that Mailman cannot read.

Mailman fails at the post, or, worse, at the digest that the post has got into, and puts
it into a queue that nobody empties.
"""

from __future__ import annotations

import base64
import copy
import email
from email.message import Message as StandardMessage
from typing import Any

import pytest
from mailman.config import config
from mailman.interfaces.member import DeliveryMode
from mailman.interfaces.mime import FilterAction
from mailman.runners.digest import MIMEDigester, RFC1153Digester

from qnet_mailman.demo.site import Site
from qnet_mailman.lists import digests
from qnet_mailman.mail.legible import make_legible
from qnet_mailman.model.lists import set_mask
from qnet_mailman.runners.digest import DigestRunner
from qnet_mailman.values import Mask
from tests.attacks.posts.labels import KNOWN, invented
from tests.end_to_end.conftest import LIST, POSTER, READER
from tests.helpers import message, post, queued, run

MEMBER = 'lee@example.org'
LABELS = [*KNOWN, *invented(200)]
PARTS = 40
"""Texts in one post."""

pytestmark = pytest.mark.mlist(
    'discussion',
    members=[MEMBER],
    digests={
        'digest0@example.net': DeliveryMode.mime_digests,
        'digest1@example.net': DeliveryMode.plaintext_digests,
    },
    digest_size_threshold=0,
    filter_content=True,
    convert_html_to_plaintext=False,
    filter_action=FilterAction.discard,
)


def entity(label: str, body: bytes = b'Gr\xfc\xdfe.') -> list[bytes]:
    """The lines of a text in a charset, with names of files in it as well."""
    name = label.encode()
    return [
        b'Content-Type: text/plain; charset="' + name + b'"',
        b'Content-Disposition: inline; filename*=' + name + b"''%E9.txt",
        b'Content-Transfer-Encoding: 8bit',
        b'',
        body,
    ]


def word(label: str) -> bytes:
    """An encoded word in a charset."""
    return b'=?' + label.encode().replace(b' ', b'_') + b'?b?R3L832U=?='


def single(label: str) -> bytes:
    lines = [
        b'From: ' + word(label) + b' <' + MEMBER.encode() + b'>',
        b'Cc: ' + word(label) + b' <kim@other.test>',
        b'Subject: News ' + word(label),
        b'Content-Description: ' + word(label),
        b'MIME-Version: 1.0',
        *entity(label),
    ]
    return b'\r\n'.join([*lines, b''])


def many(to: str, labels: list[str]) -> bytes:
    lines = [
        b'From: Lee <' + MEMBER.encode() + b'>',
        b'To: ' + to.encode(),
        b'Subject: News',
        b'Content-Type: multipart/mixed; boundary=b',
    ]
    for label in labels:
        html = [b'Content-Type: text/html; charset="' + label.encode() + b'"']
        html += [b'Content-Transfer-Encoding: base64', b'']
        html += [base64.b64encode(b'<p>Gr\xfc\xdfe.</p>')]
        lines += [b'', b'--b', *entity(label), b'', b'--b', *html]
    return b'\r\n'.join([*lines, b'', b'--b--', b''])


def send_digest(mlist: Any) -> None:
    digests.send_now(mlist, force=True)
    runner = DigestRunner('digest')
    while runner._one_iteration():
        pass
    config.db.commit()


@pytest.mark.parametrize('mask', [Mask.off, Mask.everyone])
def test_texts_in_every_charset(mlist: Any, mask: Mask) -> None:
    set_mask(mlist, mask)
    batches = [LABELS[i : i + PARTS] for i in range(0, len(LABELS), PARTS)]
    for number, labels in enumerate(batches):
        msg = message(many(mlist.fqdn_listname, labels), MEMBER)
        msg.replace_header('Message-ID', f'<{number}@example.org>')
        post(mlist, msg)
    run('in', 'pipeline')
    assert not queued('shunt')
    assert len(queued('out')) == len(queued('archive')) == len(batches)
    send_digest(mlist)
    assert not queued('shunt')
    digests = [msg for msg, data in queued('virgin') if data.get('isdigest')]
    assert len(digests) == 2
    for msg, _ in queued('out'):
        assert all(part_can_be_read(part) for part in msg.walk())


def part_can_be_read(part: StandardMessage) -> bool:
    """As HyperKitty and every other program in Python reads it."""
    part.get_filename()
    charset = part.get_content_charset()
    return part.is_multipart() or (
        b'Text.'.decode(charset or 'us-ascii', 'replace') is not None
    )


def test_posts_in_every_charset(mlist: Any) -> None:
    """What Mailman does with a post that is one text: the places that decode it."""
    places: dict[str, Any] = {
        **{f'rule {n}': config.rules[n].check for n in ('administrivia', 'no-subject')},
        **{
            f'handler {name}': config.handlers[name].process
            for name in (
                'qnet-mime-delete',
                'cook-headers',
                'qnet-subject-prefix',
                'dmarc',
            )
        },
    }
    digesters = [MIMEDigester(mlist, 1, 1), RFC1153Digester(mlist, 1, 1)]
    failed: dict[str, str] = {}
    for label in LABELS:
        msg = message(single(label), MEMBER)
        make_legible(msg)
        if not part_can_be_read(msg):
            failed[label] = 'a reader'
        at = ''
        try:
            for at, place in places.items():  # noqa: B007
                place(mlist, msg, {'recipients': set()})
            at = 'digest'
            for digester in digesters:
                digester.add_to_toc(msg, 1)
                digester.add_message(copy.deepcopy(msg), 1)
        except Exception as error:
            failed[label] = f'{at}: {error!r}'
    assert failed == {}
    for digester in digesters:
        digester.add_toc(1)
        assert digester.finish().as_bytes()


FROM_OUTSIDE = [
    *('iso-8859-8-i', 'unknown-8bit', 'x-unknown', '', 'idna', 'punycode', 'base64'),
    *('undefined', 'unicode_escape', 'windows-874', 'x-sjis', 'x-user-defined'),
    *('replacement', 'IBM1047', 'us-dk', 'utf-16', 'cp037', 'binary', '%s', 'a b'),
]


def test_from_lmtp_to_copy_digest_and_archive(site: Site) -> None:
    assert len(FROM_OUTSIDE) == 20
    digested = 'digests@hospital.example.org'
    site.rest(
        'POST',
        'members',
        {
            'list_id': LIST.replace('@', '.'),
            'subscriber': digested,
            'pre_verified': True,
            'pre_confirmed': True,
            'pre_approved': True,
            'send_welcome_message': False,
            'delivery_mode': 'plaintext_digests',
        },
    ).raise_for_status()
    mark = len(site.messages())
    for number, label in enumerate(FROM_OUTSIDE):
        raw = single(label).replace(MEMBER.encode(), POSTER.encode())
        head = f'To: {LIST}\r\nMessage-ID: <charset{number}@agency.test>\r\n'
        site.lmtp_send(POSTER, LIST, head.encode() + raw)
    copies = site.delivered(
        lambda mail: mail.number > mark and READER in mail.recipients,
        count=len(FROM_OUTSIDE),
        timeout=120,
    )
    site.wait_idle()
    assert not site.queued('shunt'), site.log_tails()
    for mail in copies:
        read = email.message_from_bytes(mail.data)
        assert all(part_can_be_read(part) for part in read.walk())
        assert b'unsubscribe' in mail.data
    new = list((site.var / 'archives').rglob('new/*'))
    archived = [path for path in new if b'Gr' in path.read_bytes()]
    assert len(archived) >= len(FROM_OUTSIDE)
    site.mailman('digests', '--send', '--list', LIST, check=True)
    site.delivered(lambda mail: mail.number > mark and digested in mail.recipients)
    site.wait_idle()
    assert not site.queued('shunt'), site.log_tails()
